"""Dead letters in the admin: groups, the body at its place, settle again and drop."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Membership, User
from accounts.rls import scoped
from sales.api.conftest import House, open_house
from tasks import admin
from tasks.models import DeadLetter
from tasks.pipeline import settle
from tests.settling import TOY, inbox_rows, put

pytestmark = pytest.mark.django_db
PAGE = "/admin/tasks/deadletter/"


def die(house: House, key: str, body: bytes | None = None) -> DeadLetter:
    """Let one event of the house die."""
    event = {"id": key, "type": "unrecognised", "sale": {"total": "<script>x"}}
    (delivery,) = put(house.source, event if body is None else body)
    settle([delivery], providers={"standard": TOY})
    with scoped([house.account.pk]):
        return DeadLetter.objects.get(delivery_id=delivery)


def person(house: House, role: str, *rights: str) -> Client:
    """Log somebody of the staff in, with a role and rights."""
    user = User.objects.create_user(f"{role}-{len(rights)}", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    Membership.objects.create(user=user, account=house.account, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def cafe() -> House:
    return open_house("cafe")


@pytest.fixture
def editor(cafe: House) -> Client:
    return person(cafe, "editor", "view_deadletter", "change_deadletter")


def act(client: Client, action: str, *keys: int, **more: Any) -> str:
    data = {"action": action, "_selected_action": keys, **more}
    return client.post(PAGE, data, follow=True).content.decode()


def test_the_page_of_a_letter_marks_the_place_and_escapes_the_body(
    cafe: House, editor: Client
) -> None:
    letter = die(cafe, "e1")

    shown = editor.get(f"{PAGE}{letter.pk}/change/").content.decode()

    assert "→     &quot;total&quot;: &quot;&lt;script&gt;x&quot;" in shown
    assert "<script>x" not in shown
    assert "dead         sale.total: not an amount" in shown


def test_who_only_reads_sees_no_body_and_has_no_actions(cafe: House) -> None:
    letter = die(cafe, "e1")
    reader = person(cafe, "analyst", "view_deadletter", "change_deadletter", "view_delivery")
    clerk = person(cafe, "editor", "view_deadletter")

    for path in (f"{PAGE}{letter.pk}", f"/admin/ingest/delivery/{letter.delivery_id}"):
        page = reader.get(f"{path}/change/")
        assert page.status_code == 200
        assert "&lt;script" not in page.content.decode()
    for client in (reader, clerk):
        assert 'value="requeue"' not in client.get(PAGE).content.decode()
        act(client, "drop", letter.pk, reason="x")
        act(client, "requeue", letter.pk)
    assert inbox_rows() == []
    with scoped([cafe.account.pk]):
        assert DeadLetter.objects.filter(closed_at=None).count() == 1


def test_groups_stand_beside_the_list_and_narrow_it(cafe: House, editor: Client) -> None:
    die(cafe, "e1")
    die(cafe, "e2")
    other = die(cafe, "e3", b"not JSON")
    key = json.dumps(["standard", "unrecognised", "not an amount", "sale.total"])

    listed = editor.get(PAGE).content.decode()
    kept = editor.get(PAGE, {"group": key}).context["cl"].result_list
    none = [
        editor.get(PAGE, {"group": text}).context["cl"].result_list for text in ("x", "[1]", "7")
    ]

    assert "2 · standard · unrecognised · sale.total: not an amount" in listed
    assert {row.type for row in kept} == {"unrecognised"}
    assert other.pk not in {row.pk for row in kept}
    assert [list(rows) for rows in none] == [[], [], []]


def test_chosen_letters_are_settled_again_or_closed_for_a_reason(
    cafe: House, editor: Client
) -> None:
    one, other = die(cafe, "e1"), die(cafe, "e2")

    assert "Отправлено на разбор: 1" in act(editor, "requeue", one.pk)
    assert "напишите, почему" in act(editor, "drop", other.pk, reason=" ")
    assert "Закрыто: 1" in act(editor, "drop", other.pk, reason="пробный")
    assert "Закрыто: 0" in act(editor, "drop", other.pk, reason="пробный")

    assert [row[0] for row in inbox_rows()] == [one.delivery_id]
    with scoped([cafe.account.pk]):
        other.refresh_from_db()
    assert other.closed_by == "dropped: пробный (editor-2)"


def test_one_click_changes_a_bounded_number_of_letters(
    cafe: House, editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "_MOST", 1)
    letters = [die(cafe, "e1"), die(cafe, "e2")]

    told = act(editor, "drop", *(letter.pk for letter in letters), select_across="1", reason="x")

    assert "Закрыто: 1; это не все" in told


def test_letters_of_an_account_where_one_only_reads_are_not_touched(
    cafe: House, editor: Client
) -> None:
    bakery = open_house("bakery")
    user = User.objects.get(username="editor-2")
    Membership.objects.create(user=user, account=bakery.account, role="analyst")
    letter = die(bakery, "b1")

    path = f"{PAGE}?account={bakery.account.pk}"
    data = {"action": "requeue", "_selected_action": [letter.pk]}
    told = editor.post(path, data, follow=True).content.decode()

    assert "Отправлено на разбор: 0" in told
    assert inbox_rows() == []
