"""Changes by hand, through the real inbox: every verb, and what it leaves."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import IdempotencyKey, Membership, Source, User
from accounts.rls import scoped
from sales.drafts import Header, Line, Mention, RefundDraft, SaleDraft, Version
from sales.drafts import Refund as RefundContent
from sales.recording import Stated, record

from .conftest import NOON, House, open_house

BODY = {
    "occurred_at": "2026-05-04T12:00:00Z",
    "currency": "RUB",
    "total": "250.00",
    "lines": [{"name": "Чай", "quantity": 2, "unit_price": "125", "product": "tea"}],
    "payments": [{"method": "cash", "amount": 250}],
}


def heard(
    cafe: House, *, number: str = "7", clock: int = 1, gone: bool = False, total: str = "100"
) -> Any:
    """Let the provider state a sale."""
    header = Header(
        number=number,
        currency="RUB",
        occurred_at=NOON,
        total=Decimal(total),
        location=Mention(external_id="shop", name="Лавка"),
    )
    line = Line(name="Кофе", quantity=Decimal(1), total=Decimal(total), gross=Decimal(total))
    draft = SaleDraft(
        external_id="s-1",
        version=Version(30, clock),
        header=None if gone else header,
        lines=None if gone else (line,),
        gone=gone,
    )
    return state(cafe, draft)


def state(cafe: House, draft: Any) -> Any:
    """Record a draft as the source's."""
    account, source = cafe.account.pk, cafe.source.pk
    with scoped([account]):
        done = record([Stated(draft, account, source, uuid.uuid4(), datetime.now(UTC), 1)])
    return next(iter(done.sales or done.refunds), None)


def patch(cafe: House, path: str, body: Any, **headers: str) -> Any:
    answer = cafe.call("PATCH", path, body, **headers)
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


def test_a_posted_sale_is_read_at_once_and_was_staged(cafe: House) -> None:
    answer = cafe.call("POST", "/продажи/", BODY)

    assert answer.status_code == 201, answer.content.decode()
    item = answer.json()
    assert answer["Location"].endswith(f"/{item['id']}/")
    assert cafe.get(f"/sales/{item['id']}/") == item
    assert (item["source"]["provider"], item["known"]) == ("manual", "stated")
    assert (item["total"], item["paid_total"], item["status"]) == ("250.00", "250.00", "completed")
    assert item["lines"][0]["gross"] == "250.00"
    with scoped([cafe.account.pk]), connection.cursor() as cursor:
        cursor.execute("SELECT origin, id FROM ingest_delivery")
        staged = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM ingest_inbox")
        waiting = cursor.fetchone()
    assert staged == [("manual", uuid.UUID(item["provenance"]["deliveries"][0]))]
    assert waiting == (0,)


@pytest.mark.parametrize(
    ("path", "body", "shown"),
    [
        ("/возвраты/", {"occurred_at": "2026-05-04T12:00:00Z", "total": 5}, ("total", "5.00")),
        ("/товары/", {"external_id": "tea", "name": "Чай", "category": "Напитки"}, ("name", "Чай")),
        ("/клиенты/", {"id": "c", "phone": "+79990000000"}, ("phone", "+79990000000")),
        ("/точки/", {"external_id": "l", "address": "Тверская, 1"}, ("address", "Тверская, 1")),
    ],
)
def test_every_kind_can_be_created(
    cafe: House, path: str, body: Any, shown: tuple[str, str]
) -> None:
    answer = cafe.call("POST", path, body)

    assert answer.status_code == 201, answer.content.decode()
    assert answer.json()[shown[0]] == shown[1]
    assert cafe.get(answer["Location"]) == answer.json()


def test_a_manual_refund_counts_against_its_sale(cafe: House) -> None:
    sale = cafe.call("POST", "/sales/", BODY | {"external_id": "s"}).json()
    body = {"occurred_at": "2026-05-05T12:00:00Z", "total": "50", "sale_external_id": "s"}

    refund = cafe.call("POST", "/refunds/", body).json()

    assert refund["sale"] == sale["id"]
    after = cafe.get(f"/sales/{sale['id']}/")
    assert (after["status"], after["refunded_total"]) == ("partially_refunded", "50.00")
    assert [part["id"] for part in after["refunds"]] == [refund["id"]]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"", "body_malformed", None),
        (b"[]", "body_malformed", None),
        (b"{", "body_malformed", None),
        (b'{"total": NaN}', "body_malformed", None),
        (b'{"total": 1, "total": 2}', "body_malformed", None),
        (b'{"number": "\\u0000"}', "body_malformed", None),
        (b'{"number": "\\ud800"}', "body_malformed", None),
        (b"\xff\xfe", "body_malformed", None),
        (b"[" * 3000, "body_malformed", None),
        ({"total": "1"}, "field_unusable", "occurred_at"),
        ({**BODY, "total": "1_000"}, "field_unusable", "total"),
        ({**BODY, "total": "١"}, "field_unusable", "total"),
        ({**BODY, "total": 10**20}, "field_unusable", "total"),
        ({**BODY, "total": "-1"}, "field_unusable", "total"),
        ({**BODY, "lines": [{"quantity": "x"}]}, "field_unusable", "lines[0].quantity"),
        ({**BODY, "occurred_at": "вчера"}, "field_unusable", "occurred_at"),
        ({**BODY, "currency": "XXX"}, "field_unusable", "currency"),
        ({**BODY, "external_id": ["a"]}, "field_unusable", "external_id"),
        ({**BODY, "account": 1}, "field_unknown", "account"),
        ({**BODY, "source": 1}, "field_unknown", "source"),
        ({**BODY, "paid_total": "1"}, "field_derived", "paid_total"),
    ],
)
def test_an_unusable_body_is_refused_and_leaves_nothing(
    cafe: House, body: Any, code: str, field: str | None
) -> None:
    answer = cafe.call("POST", "/sales/", body)

    assert answer.status_code == 400, answer.content.decode()
    assert (answer.json()["code"], answer.json().get("field")) == (code, field)
    assert cafe.get("/sales/")["results"] == []
    with scoped([cafe.account.pk]), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ingest_delivery")
        assert cursor.fetchone() == (0,)


def test_a_record_is_not_created_twice(cafe: House) -> None:
    body = BODY | {"external_id": "s"}
    first = cafe.call("POST", "/sales/", body)

    second = cafe.call("POST", "/sales/", body)

    assert (second.status_code, second.json()["code"]) == (409, "exists")
    assert first.json()["id"] in second.json()["hint"]


def test_a_product_that_a_line_named_can_still_be_created(cafe: House) -> None:
    cafe.call("POST", "/sales/", BODY)

    answer = cafe.call("POST", "/products/", {"external_id": "tea", "name": "Чай", "sku": "T"})

    assert answer.status_code == 201, answer.content.decode()


def test_an_idempotency_key_gives_the_same_object_or_422(cafe: House) -> None:
    first = cafe.call("POST", "/sales/", BODY, Idempotency_Key="k-1")
    again = cafe.call("POST", "/sales/", BODY, Idempotency_Key="k-1")
    other = cafe.call("POST", "/sales/", BODY | {"total": "1"}, Idempotency_Key="k-1")
    elsewhere = cafe.call("POST", "/refunds/", BODY, Idempotency_Key="k-1")
    bad = cafe.call("POST", "/sales/", BODY, Idempotency_Key="ключ")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert again["Location"] == first["Location"]
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert elsewhere.status_code == 422
    assert (bad.status_code, bad.json()["field"]) == (400, "Idempotency-Key")
    assert len(cafe.get("/sales/")["results"]) == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_sent_many_times_at_once_makes_one_object(transactional_db: None) -> None:
    house = open_house("cafe")

    def post(_: int) -> Any:
        try:
            return house.call("POST", "/sales/", BODY, Idempotency_Key="k")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(house.get("/sales/")["results"]) == 1


def test_a_refused_post_leaves_its_key_free_and_an_old_key_is_forgotten(cafe: House) -> None:
    assert cafe.call("POST", "/sales/", {}, Idempotency_Key="k").status_code == 400
    assert cafe.call("POST", "/sales/", BODY, Idempotency_Key="k").status_code == 201
    with scoped([cafe.account.pk]):
        IdempotencyKey.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))

    assert cafe.call("POST", "/sales/", {**BODY}, Idempotency_Key="k").status_code == 201


def test_F46_an_edit_outlives_the_providers_update_which_is_kept_beneath(cafe: House) -> None:
    key = heard(cafe)

    item = patch(cafe, f"/продажи/{key}/", {"number": "9", "total": "90", "channel": "pos"})
    heard(cafe, number="8", clock=2)
    after = cafe.get(f"/sales/{key}/")

    assert (item["number"], item["total"]) == ("9", "90.00")
    assert (after["number"], after["total"]) == ("9", "90.00")
    shown = {
        name: (edit["value"], edit["provider_value"]) for name, edit in after["overrides"].items()
    }
    assert shown == {"number": ("9", "8"), "total": ("90", "100.00")}


def test_F46_an_edit_before_the_providers_newer_statement_stands_in_both_orders(
    cafe: House,
) -> None:
    key = heard(cafe, number="8", clock=2)
    patch(cafe, f"/sales/{key}/", {"number": "9"})
    heard(cafe, number="7", clock=1)

    item = cafe.get(f"/sales/{key}/")

    assert (item["number"], item["overrides"]["number"]["provider_value"]) == ("9", "8")


def test_clearing_an_override_lets_the_provider_through(cafe: House) -> None:
    key = heard(cafe)
    patch(cafe, f"/sales/{key}/", {"number": "9", "location": "other"})

    answer = cafe.call("DELETE", f"/продажи/{key}/overrides/number/")
    missing = cafe.call("DELETE", f"/продажи/{key}/overrides/number/")

    assert answer.status_code == 200, answer.content.decode()
    assert answer.json()["number"] == "7"
    assert list(answer.json()["overrides"]) == ["location"]
    assert (missing.status_code, missing.json()["field"]) == (404, "number")


def test_a_record_sent_back_whole_changes_nothing(cafe: House) -> None:
    cafe.call("POST", "/sales/", BODY)
    heard(cafe)
    for item in cafe.get("/sales/")["results"]:
        again = cafe.call("PUT", f"/sales/{item['id']}/", item)

        assert again.status_code == 200, again.content.decode()
        assert again.json() == item


def test_a_value_written_differently_is_no_change(cafe: House) -> None:
    key = heard(cafe)

    item = patch(
        cafe,
        f"/sales/{key}/",
        {"total": 100, "occurred_at": "2026-05-04T15:00:00+03:00", "location": {"id": "shop"}}
        | {"location": "shop"},
    )

    assert item["overrides"] == {}


def test_lines_are_one_field(cafe: House) -> None:
    key = heard(cafe)
    lines = [{"name": "Чай", "quantity": "2", "unit_price": "50"}]

    item = patch(cafe, f"/sales/{key}/", {"lines": lines})
    same = patch(cafe, f"/sales/{key}/", {"lines": item["lines"]})
    cleared = cafe.call("DELETE", f"/sales/{key}/overrides/lines/").json()

    assert [line["name"] for line in item["lines"]] == ["Чай"]
    assert [x["name"] for x in item["overrides"]["lines"]["provider_value"]] == ["Кофе"]
    assert same["overrides"] == item["overrides"]
    assert [line["name"] for line in cleared["lines"]] == ["Кофе"]


def test_a_link_is_edited_by_its_external_id(cafe: House) -> None:
    key = heard(cafe)

    item = patch(cafe, f"/sales/{key}/", {"location": {"external_id": "kiosk"}, "customer": "c-1"})

    assert item["location"]["external_id"] == "kiosk"
    assert item["customer"]["external_id"] == "c-1"
    assert patch(cafe, f"/sales/{key}/", {"location": None})["location"] is None


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"paid_total": "1"}, "field_derived", "paid_total"),
        ({"refunded_total": "1"}, "field_derived", "refunded_total"),
        ({"net_total": "1"}, "field_derived", "net_total"),
        ({"counts": False}, "field_derived", "counts"),
        ({"known": "stub"}, "field_derived", "known"),
        ({"payments": [{"method": "card"}]}, "field_derived", "payments"),
        ({"mirror_of": str(uuid.uuid4())}, "field_derived", "mirror_of"),
        ({"anomalies": ["x"]}, "field_derived", "anomalies"),
        ({"status": "refunded"}, "field_derived", "status"),
        ({"id": str(uuid.uuid4())}, "field_derived", "id"),
        ({"source": 5}, "field_derived", "source"),
        ({"external_id": "x"}, "field_derived", "external_id"),
        ({"deleted": True}, "field_unknown", "deleted"),
        ({"account": 5}, "field_unknown", "account"),
        ({"hand": {}}, "field_unknown", "hand"),
        ({"total": "x"}, "field_unusable", "total"),
        ({"total": -1}, "field_unusable", "total"),
        ({"currency": None}, "field_unusable", "currency"),
        ({"status": "done"}, "field_unusable", "status"),
        ({"occurred_at": "2026-02-31T00:00:00Z"}, "field_unusable", "occurred_at"),
        ({"lines": [{"total": "x"}]}, "field_unusable", "lines[0].total"),
        ({"location": {"external_id": 5.5}}, "field_unusable", "location"),
    ],
)
def test_a_field_that_cannot_be_edited_is_named_and_nothing_changes(
    cafe: House, body: Any, code: str, field: str
) -> None:
    key = heard(cafe)

    answer = cafe.call("PATCH", f"/sales/{key}/", {"number": "9"} | body)

    assert answer.status_code == 400, answer.content.decode()
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)
    assert cafe.get(f"/sales/{key}/")["number"] == "7"


def test_a_deleted_sale_is_gone_until_it_is_restored(cafe: House) -> None:
    key = heard(cafe)

    gone = cafe.call("DELETE", f"/продажи/{key}/")
    heard(cafe, number="8", clock=2)

    assert (gone.status_code, gone.content) == (204, b"")
    assert cafe.call("GET", f"/sales/{key}/").status_code == 404
    assert cafe.get("/sales/")["results"] == []
    for method in ("PATCH", "PUT", "DELETE"):
        assert cafe.call(method, f"/sales/{key}/", {"number": "1"}).status_code == 404
    back = cafe.call("POST", f"/продажи/{key}/restore/")
    assert (back.status_code, back.json()["number"]) == (200, "8")
    assert cafe.call("POST", f"/sales/{key}/restore/").status_code == 200


def test_a_restored_sale_outlives_the_providers_deletion(cafe: House) -> None:
    key = heard(cafe)
    heard(cafe, clock=2, gone=True)
    assert cafe.call("GET", f"/sales/{key}/").status_code == 404

    assert cafe.call("POST", f"/sales/{key}/restore/").status_code == 200
    heard(cafe, clock=3, gone=True)

    assert cafe.get(f"/sales/{key}/")["number"] == "7"


def test_a_manual_sale_is_edited_and_deleted_the_same_way(cafe: House) -> None:
    path = cafe.call("POST", "/sales/", BODY)["Location"]

    assert patch(cafe, path, {"number": "5"})["overrides"]["number"]["provider_value"] is None
    assert cafe.call("DELETE", path).status_code == 204
    assert cafe.call("GET", path).status_code == 404


def test_a_refund_finds_its_sale_by_hand(cafe: House) -> None:
    sale = heard(cafe)
    content = RefundContent(total=Decimal(10), currency="RUB", occurred_at=NOON, external_id="r")
    refund = state(cafe, RefundDraft(external_id="r", version=Version(30, 1), content=content))

    linked = patch(cafe, f"/refunds/{refund}/", {"sale": str(sale), "reason": "брак"})
    unknown = cafe.call("PATCH", f"/refunds/{refund}/", {"sale": str(uuid.uuid4())})

    assert (linked["sale"], linked["sale_external_id"]) == (str(sale), "s-1")
    assert cafe.get(f"/sales/{sale}/")["refunded_total"] == "10.00"
    assert (unknown.status_code, unknown.json()["field"]) == (400, "sale")
    assert patch(cafe, f"/refunds/{refund}/", {"sale": None})["sale"] is None


def test_references_are_edited_deleted_and_restored(cafe: House) -> None:
    path = cafe.call("POST", "/products/", {"external_id": "tea", "name": "Чай"})["Location"]
    twin = cafe.call("POST", "/products/", {"external_id": "tea2", "name": "Чай"}).json()

    item = patch(cafe, path, {"name": "Чай зелёный", "same_as": twin["id"], "category": "hot"})
    assert (item["name"], item["same_as"]) == ("Чай зелёный", twin["id"])
    assert item["category"]["external_id"] == "hot"
    assert item["overrides"]["name"]["provider_value"] == "Чай"
    for wrong in (item["id"], str(uuid.uuid4()), "x"):
        assert cafe.call("PATCH", path, {"same_as": wrong}).status_code == 400
    assert cafe.call("DELETE", path).status_code == 204
    assert cafe.call("GET", path).status_code == 404
    assert cafe.call("POST", path + "restore/").json()["name"] == "Чай зелёный"


def test_the_settings_of_a_location_are_a_persons(cafe: House) -> None:
    heard(cafe)
    (shop,) = cafe.get("/locations/")["results"]
    path = f"/точки/{shop['id']}/"

    item = patch(
        cafe, path, {"timezone": "Asia/Tokyo", "day_cutoff": 22, "currency": "RUB", "name": "Бар"}
    )

    assert (item["timezone"], item["day_cutoff"], item["currency"]) == ("Asia/Tokyo", 22, "RUB")
    assert list(item["overrides"]) == ["name"]
    # Noon UTC is 21:00 in Tokyo, before the day that begins at 22:00.
    assert cafe.get("/sales/")["results"][0]["business_date"] == "2026-05-03"
    for wrong in (
        {"timezone": "Mars"},
        {"day_cutoff": 24},
        {"day_cutoff": True},
        {"currency": "X"},
    ):
        answer = cafe.call("PATCH", path, wrong)
        assert (answer.status_code, answer.json()["field"]) == (400, next(iter(wrong)))


def test_F46_an_etag_guards_against_a_change_in_between(cafe: House) -> None:
    key = heard(cafe)
    tag = cafe.call("GET", f"/sales/{key}/")["ETag"]
    patch(cafe, f"/sales/{key}/", {"number": "8"}, If_Match=tag)

    late = cafe.call("PATCH", f"/sales/{key}/", {"number": "9"}, If_Match=tag)

    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert cafe.call("DELETE", f"/sales/{key}/", If_Match=tag).status_code == 412
    assert cafe.call("DELETE", f"/sales/{key}/", If_Match="*").status_code == 204


def test_an_analyst_only_reads(cafe: House) -> None:
    key = heard(cafe)
    calls = (
        ("POST", "/sales/"),
        ("PATCH", f"/sales/{key}/"),
        ("PUT", f"/sales/{key}/"),
        ("DELETE", f"/sales/{key}/"),
        ("POST", f"/sales/{key}/restore/"),
        ("DELETE", f"/sales/{key}/overrides/number/"),
    )

    for method, path in calls:
        answer = cafe.call(method, path, BODY, role="analyst")
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only")
    assert (
        cafe.get(
            f"/sales/{key}/",
        )["number"]
        == "7"
    )


def test_edits_of_one_account_make_one_source(cafe: House) -> None:
    key = heard(cafe)
    patch(cafe, f"/sales/{key}/", {"number": "8"})
    cafe.call("POST", "/sales/", BODY)

    with scoped([cafe.account.pk]):
        assert Source.objects.filter(provider="manual").count() == 1


def test_a_member_of_two_accounts_says_which_one_to_write_to(cafe: House, bakery: House) -> None:
    user = User.objects.create_user("vera")
    cafe.client.force_login(user)
    roles = [(cafe, "owner"), (bakery, "editor")]
    for house, role in roles:
        Membership.objects.create(user=user, account=house.account, role=role)

    def post(path: str) -> Any:
        return cafe.client.post(path, BODY, content_type="application/json")

    unclear = post("/sales/")
    assert (unclear.status_code, unclear.json()["field"]) == (400, "account")
    assert post("/sales/?account=bakery").status_code == 201
    assert len(bakery.get("/sales/")["results"]) == 1
    Membership.objects.filter(account=cafe.account).update(role="analyst")
    assert post("/sales/").status_code == 201
    assert post("/sales/?account=cafe").status_code == 403
    assert len(bakery.get("/sales/")["results"]) == 2


def test_a_role_counts_in_its_own_account(cafe: House, bakery: House) -> None:
    key = heard(cafe)
    user = User.objects.create_user("vera")
    cafe.client.force_login(user)
    Membership.objects.create(user=user, account=cafe.account, role="analyst")
    Membership.objects.create(user=user, account=bakery.account, role="owner")

    answer = cafe.client.patch(f"/sales/{key}/", {"number": "9"}, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "read_only")
