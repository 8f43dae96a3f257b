"""The API of events and dead letters."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from accounts.rls import scoped
from sales.api.conftest import House
from tasks import deadletters
from tasks.models import DeadLetter
from tasks.pipeline import settle
from tests.settling import TOY, inbox_rows, put, sale_event

pytestmark = pytest.mark.django_db

PROVIDERS = {"standard": TOY}
LETTERS = "/events/dead-letters/"


def live(house: House, *bodies: Any) -> list[UUID]:
    """Settle bodies as they come from the house's till."""
    ids = put(house.source, *bodies)
    settle(ids, providers=PROVIDERS)
    return ids


def dead(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "type": "unrecognised", "sale": {"total": "x"}, **fields}


def letters(house: House) -> list[DeadLetter]:
    with scoped([house.account.pk]):
        return list(DeadLetter.objects.filter(account=house.account).order_by("-id"))


@pytest.fixture
def told(cafe: House) -> House:
    """A house with an event of each common outcome."""
    bodies = [sale_event("e1", at=1), dead("e2"), {"id": "e3", "type": "later"}, dead("e4")]
    live(cafe, *bodies)
    return cafe


def test_events_are_listed_newest_first_with_their_outcome(told: House) -> None:
    found = told.get("/events/", role="analyst")["results"]

    assert [(event["key"], event["outcome"]) for event in found] == [
        *(("e4", "dead"), ("e3", "unsupported"), ("e2", "dead"), ("e1", "recorded")),
    ]
    assert (found[0]["path"], found[0]["reason"]) == ("sale.total", "not an amount")
    assert found[0]["source"] == {
        "id": told.source.pk,
        "provider": "standard",
        "title": "Касса",
        "kind": "own",
    }
    assert found == told.get("/события/")["results"]
    assert told.get(f"/events/{found[2]['id']}/") == found[2]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("outcome=dead", ["e4", "e2"]),
        ("outcome=dead,unsupported&type=later", ["e3"]),
        ("key=e1", ["e1"]),
        ("provider=square", []),
        ("after=2100-01-01", []),
        ("before=2100-01-01&limit=1", ["e4"]),
    ],
)
def test_events_are_found_by_what_they_are(told: House, query: str, keys: list[str]) -> None:
    assert [event["key"] for event in told.get(f"/events/?{query}")["results"]] == keys


def test_the_events_of_a_delivery_and_of_a_source_are_found(told: House) -> None:
    one = told.get("/events/?key=e2")["results"][0]

    assert told.get(f"/events/?delivery={one['delivery']}")["results"] == [one]
    assert len(told.get(f"/events/?source={told.source.pk}")["results"]) == 4


def test_lists_page_forth_and_back_without_counting(told: House) -> None:
    live(told, *(dead(f"d{n}") for n in range(5)))
    for path in ("/events/", LETTERS):
        with CaptureQueriesContext(connection) as queries:
            whole = told.get(path)["results"]
            first = told.get(f"{path}?limit=3")
        second = told.client.get(
            first["next"], headers={"Authorization": f"Bearer {told.tokens['analyst']}"}
        ).json()
        back = told.client.get(
            second["previous"], headers={"Authorization": f"Bearer {told.tokens['analyst']}"}
        ).json()

        assert first["results"] == whole[:3]
        assert second["results"] == whole[3:6]
        assert back["results"] == first["results"]
        assert first["previous"] is None
        assert not [query for query in queries if "COUNT(" in query["sql"].upper()]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/events/?outcome=lost", "outcome"),
        ("/events/?source=x", "source"),
        ("/events/?delivery=1", "delivery"),
        ("/events/?after=yesterday", "after"),
        ("/events/?type=a%00b", "type"),
        ("/events/?colour=red", "colour"),
        ("/events/?cursor=x", "cursor"),
        (f"{LETTERS}?state=gone", "state"),
        (f"{LETTERS}?path=" + "x" * 501, "path"),
        (f"{LETTERS}?outcome=dead", "outcome"),
        (f"{LETTERS}groups/?limit=1", "limit"),
        (f"{LETTERS}groups/?source=x", "source"),
    ],
)
def test_an_unusable_parameter_is_refused_by_its_name(cafe: House, path: str, field: str) -> None:
    answer = cafe.call("GET", path)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_cursor_of_another_list_is_refused(told: House) -> None:
    live(told, *(sale_event(f"s{n}", sale=f"s{n}") for n in range(2)))
    cursor = told.get("/sales/?limit=1")["next"].split("cursor=")[1].split("&")[0]

    assert told.call("GET", f"/events/?cursor={cursor}").status_code == 400


def test_letters_are_listed_grouped_and_retrieved(told: House) -> None:
    newest, oldest = letters(told)

    found = told.get(LETTERS, role="analyst")["results"]
    groups = told.get(f"{LETTERS}groups/", role="analyst")
    one = told.get(f"{LETTERS}{oldest.id}/")

    assert [letter["id"] for letter in found] == [newest.id, oldest.id]
    assert {letter["state"] for letter in found} == {"open"}
    assert groups["complete"] is True
    (group,) = groups["results"]
    assert (group["letters"], group["provider"], group["path"]) == (2, "standard", "sale.total")
    assert (group["first_id"], group["last_id"]) == (oldest.id, newest.id)
    assert told.get(f"{LETTERS}groups/?type=sale")["results"] == []
    assert [run["outcome"] for run in one["attempts"]] == ["dead"]
    assert one["body"] == f"http://testserver{LETTERS}{oldest.id}/body/"
    assert told.get(f"{LETTERS}?path=sale.total&reason=not an amount&limit=1")["next"]
    assert told.get(f"{LETTERS}?path=sale[*].total")["results"] == []


def test_the_body_is_shown_at_its_place_to_those_who_may_edit(told: House) -> None:
    letter = letters(told)[0]
    path = f"{LETTERS}{letter.id}/body/"

    answer = told.call("GET", path, role="editor")
    refused = told.call("GET", path, role="analyst")
    one = told.get(f"{LETTERS}{letter.id}/", role="analyst")

    shown = answer.json()
    assert [line["text"] for line in shown["lines"] if line["marked"]] == ['    "total": "x"']
    assert (shown["path"], shown["found"], shown["exact"]) == ("sale.total", "sale.total", True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "headers" not in shown
    assert (refused.status_code, refused.json()["code"]) == (403, "body_restricted")
    assert one["body"] is None


@pytest.mark.django_db(transaction=True)
def test_a_selection_is_requeued_and_settles_after_the_fix(told: House) -> None:
    answer = told.call("POST", f"{LETTERS}requeue/", {"filter": {"path": "sale.total"}})
    pending = told.get(LETTERS)["results"]
    fixed = replace(
        TOY, normalisers={**TOY.normalisers, "unrecognised": lambda event, context: None}
    )
    settle([row[0] for row in inbox_rows()], providers={"standard": fixed})

    assert (answer.status_code, answer.json()) == (
        200,
        {"letters": 2, "deliveries": 2, "next": None},
    )
    assert [letter["pending"] for letter in pending] == [True, True]
    assert told.get(LETTERS)["results"] == []
    closed = told.get(f"{LETTERS}?state=closed")["results"]
    assert [(letter["state"], letter["closed_by"]) for letter in closed] == [
        ("settled", "settled"),
        ("settled", "settled"),
    ]


def test_a_large_selection_goes_page_by_page(told: House, monkeypatch: pytest.MonkeyPatch) -> None:
    requeue = deadletters.requeue
    monkeypatch.setattr(
        deadletters, "requeue", lambda chosen, **more: requeue(chosen, **more, limit=1)
    )

    first = told.call("POST", f"{LETTERS}requeue/", {"filter": {}}).json()
    second = told.call("POST", f"{LETTERS}requeue/", {"filter": {}, "before": first["next"]}).json()

    assert (first["letters"], second["letters"]) == (1, 1)
    assert len(inbox_rows()) == 2


def test_letters_are_dropped_with_a_reason_and_a_name(told: House) -> None:
    newest, oldest = letters(told)

    one = told.call("POST", f"{LETTERS}{newest.id}/drop/", {"reason": " пробный чек "})
    many = told.call("POST", f"{LETTERS}drop/", {"ids": [oldest.id, newest.id], "reason": "x"})
    again = told.call("POST", f"{LETTERS}{newest.id}/requeue/")

    assert one.json()["state"] == "dropped"
    assert one.json()["closed_by"].startswith("dropped: пробный чек (")
    assert many.json() == {"letters": 1, "next": None}
    assert (again.status_code, again.json()["code"]) == (409, "letter_closed")
    assert inbox_rows() == []


def test_one_letter_is_requeued(told: House) -> None:
    letter = letters(told)[0]

    answer = told.call("POST", f"{LETTERS}{letter.id}/requeue/")

    assert (answer.status_code, answer.json()["pending"]) == (202, True)
    assert [row[0] for row in inbox_rows()] == [letter.delivery_id]


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("requeue", {}, "filter"),
        ("requeue", {"ids": [1], "filter": {}}, "filter"),
        ("requeue", {"ids": []}, "ids"),
        ("requeue", {"ids": ["1"]}, "ids"),
        ("requeue", {"ids": list(range(1, 1002))}, "ids"),
        ("requeue", {"filter": []}, "filter"),
        ("requeue", {"filter": {"colour": "red"}}, "filter.colour"),
        ("requeue", {"filter": {"source": "3"}}, "filter.source"),
        ("requeue", {"filter": {"type": "x" * 501}}, "filter.type"),
        ("requeue", {"filter": {}, "before": 0}, "before"),
        ("requeue", {"filter": {}, "reason": "x"}, "reason"),
        ("drop", {"filter": {}}, "reason"),
        ("drop", {"filter": {}, "reason": " "}, "reason"),
    ],
)
def test_an_unusable_selection_is_refused_by_its_field(
    told: House, action: str, body: Any, field: str
) -> None:
    answer = told.call("POST", f"{LETTERS}{action}/", body)

    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.json()
    assert inbox_rows() == []
    assert len(told.get(LETTERS)["results"]) == 2


@pytest.mark.parametrize("tail", ["", "body/"])
def test_a_foreign_letter_is_not_found(told: House, bakery: House, tail: str) -> None:
    letter = letters(told)[0]
    event = told.get("/events/")["results"][0]

    assert bakery.call("GET", f"{LETTERS}{letter.id}/{tail}").status_code == 404
    assert bakery.call("GET", f"/events/{event['id']}/").status_code == 404
    assert bakery.call("GET", f"/events/{10**30}/").status_code == 404


def test_a_foreign_letter_is_not_touched(told: House, bakery: House) -> None:
    letter = letters(told)[0]

    for action in ("requeue", "drop"):
        body = {"reason": "x"} if action == "drop" else {}
        one = bakery.call("POST", f"{LETTERS}{letter.id}/{action}/", body)
        many = bakery.call("POST", f"{LETTERS}{action}/", {**body, "ids": [letter.id]})

        assert (one.status_code, many.json()["letters"]) == (404, 0)
    assert bakery.get("/events/")["results"] == bakery.get(LETTERS)["results"] == []
    assert bakery.get(f"{LETTERS}groups/")["results"] == []
    assert bakery.get(f"/events/?source={told.source.pk}")["results"] == []
    assert inbox_rows() == []


def test_who_only_reads_changes_nothing(told: House) -> None:
    letter = letters(told)[0]

    for path in (f"{LETTERS}requeue/", f"{LETTERS}{letter.id}/drop/"):
        answer = told.call("POST", path, {"filter": {}, "reason": "x"}, role="analyst")

        assert (answer.status_code, answer.json()["code"]) == (403, "read_only")


def test_a_filter_of_a_person_touches_only_accounts_that_one_may_edit(
    told: House, bakery: House
) -> None:
    live(bakery, dead("b1"))
    user = User.objects.create_user("vera", password="x")
    Membership.objects.create(user=user, account=told.account, role="analyst")
    Membership.objects.create(user=user, account=bakery.account, role="editor")
    client = Client()
    client.force_login(user)

    seen = client.get(LETTERS).json()["results"]
    body = client.get(f"{LETTERS}{letters(told)[0].id}/body/")
    one = client.post(f"{LETTERS}{letters(told)[0].id}/requeue/", {}, "application/json")
    many = client.post(f"{LETTERS}requeue/", {"filter": {}}, "application/json")

    assert len(seen) == 3
    assert (body.status_code, one.status_code) == (403, 403)
    assert many.json()["letters"] == 1
    assert [row[0] for row in inbox_rows()] == [letters(bakery)[0].delivery_id]


def test_the_root_lists_both(cafe: House) -> None:
    addresses = cafe.client.get("/").json()

    assert addresses["events"] == "http://testserver/events/"
    assert addresses["dead-letters"] == f"http://testserver{LETTERS}"
    assert {"события", "неразобранное", "sales"} <= set(addresses)
    for url in (addresses["события"], addresses["неразобранное"]):
        assert cafe.client.get(url).status_code == 401
