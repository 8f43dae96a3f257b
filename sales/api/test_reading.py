"""Lists and records: fields, formats, filters, pages."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ..models import Customer, Location, Product
from .conftest import NOON, House
from .resources import RESOURCES

FIELDS = """
id source external_id kind number status occurred_at provider_at received_at updated_at utc_offset
business_date currency location device employee customer shift channel is_test counts mirror_of
anomalies tax_included gross_total discount_total service_total delivery_total tip_total
rounding_total tax_total total change_total cost_total paid_total refunded_total net_total
overrides provenance known ordered_by lines discounts payments refunds fiscal
"""


def ids(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [item["id"] for item in answer["results"]]


def test_a_sale_has_all_the_fields_of_its_record(cafe: House) -> None:
    sale = cafe.sale(lines=1, received_at=NOON, updated_at=NOON, gross_total=Decimal("125.5"))

    item = cafe.get(f"/продажи/{sale.id}/")

    assert list(item) == FIELDS.split()
    source = {"id": cafe.source.pk, "provider": "standard", "title": "Касса", "kind": "own"}
    assert item["source"] == source
    assert item["occurred_at"] == item["received_at"] == "2026-05-04T12:00:00Z"
    assert item["business_date"] == "2026-05-04"
    assert item["gross_total"] == item["total"] == "125.50"
    assert item["tax_total"] is None
    assert item["shift"] == {"id": None, "number": None}


def test_quantities_and_prices_are_text_without_noise(cafe: House) -> None:
    sale = cafe.sale(lines=1)

    line = cafe.get(f"/sales/{sale.id}/")["lines"][0]

    assert (line["quantity"], line["unit_price"]) == ("1.5", "83.666667")
    assert (line["gross"], line["discount"], line["cost"]) == ("125.50", "0.00", None)
    assert line["product"]["external_id"] == "p-0"
    assert line["tax"] == {"code": "none", "rate": None, "amount": None, "included": None}


@pytest.mark.parametrize(
    ("currency", "text"), [("RUB", "1234.00"), ("JPY", "1234"), ("KWD", "1234.000")]
)
def test_amounts_have_the_decimals_of_their_currency(cafe: House, currency: str, text: str) -> None:
    sale = cafe.sale(currency=currency, total=Decimal(1234))

    assert cafe.get(f"/sales/{sale.id}/")["total"] == text


def test_a_time_keeps_its_microseconds(cafe: House) -> None:
    sale = cafe.sale(occurred_at=datetime(2026, 5, 4, 12, 0, 0, 120, tzinfo=UTC))

    assert cafe.get(f"/sales/{sale.id}/")["occurred_at"] == "2026-05-04T12:00:00.000120Z"


def test_a_sale_shows_its_payments_refunds_and_receipts(cafe: House) -> None:
    sale = cafe.sale()
    cafe.payment(sale, method="sbp", last4="1234")
    cafe.payment(sale, amount=None)  # only named by a refund
    cafe.payment(sale, deleted=True)
    refund = cafe.refund(
        sale, lines=[{"product": {"external_id": "p"}, "quantity": "2", "total": "10.0000"}]
    )
    cafe.refund(sale, visible=False)
    cafe.fiscal(sale)
    cafe.fiscal(refund)

    item = cafe.get(f"/sales/{sale.id}/")

    assert [(part["method"], part["amount"]) for part in item["payments"]] == [("sbp", "125.50")]
    assert [part["id"] for part in item["refunds"]] == [str(refund.id)]
    assert [part["fd"] for part in item["fiscal"] + item["refunds"][0]["fiscal"]] == ["7", "7"]
    line = item["refunds"][0]["lines"][0]
    assert (line["quantity"], line["total"]) == ("2", "10.00")
    assert cafe.get(f"/refunds/{refund.id}/")["sale"] == str(sale.id)


def test_a_refund_of_a_sale_that_no_list_shows_has_none(cafe: House) -> None:
    stub = cafe.sale(visible=False, known="stub")
    refund = cafe.refund(stub, sale_external_id="later")

    item = cafe.get(f"/возвраты/{refund.id}/")

    assert (item["sale"], item["sale_external_id"]) == (None, "later")


def test_a_refund_counts_with_its_sale_and_by_itself_while_that_is_not_known(cafe: House) -> None:
    mirror = uuid.uuid4()
    counting = [
        cafe.refund(),
        cafe.refund(cafe.sale(counts=True)),
        cafe.refund(cafe.sale(visible=False, known="stub")),
        cafe.refund(cafe.sale(role="return", visible=False)),
    ]
    others = [
        cafe.refund(cafe.sale(counts=False)),
        cafe.refund(cafe.sale(visible=False, deleted=True, counts=False)),
        cafe.refund(is_test=True),
        cafe.refund(status="pending"),
        cafe.refund(mirror_of=mirror),
    ]

    assert {*ids(cafe.get("/refunds/?counts=true"))} == {str(row.id) for row in counting}
    assert {*ids(cafe.get("/возвраты/?counts=false"))} == {str(row.id) for row in others}
    item = cafe.get(f"/refunds/{others[-1].id}/")
    assert (item["counts"], item["mirror_of"]) == (False, str(mirror))


def test_overrides_show_the_hand_and_the_provider(cafe: House) -> None:
    edits = {
        "number": {"t": 1_777_896_000_000_000, "d": "x", "v": "12"},
        "channel": {"t": 1_777_896_000_000_000, "d": "x", "v": {"__clear__": True}},
    }
    sale = cafe.sale(hand=edits, base={"number": "11"})

    assert cafe.get(f"/sales/{sale.id}/")["overrides"] == {
        "number": {"value": "12", "provider_value": "11", "at": "2026-05-04T12:00:00Z"}
    }


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda found: found.kind)
def test_both_names_lead_to_the_same_list(cafe: House, resource: object) -> None:
    name, alias = resource.name, resource.alias  # type: ignore[attr-defined]
    cafe.sale()
    cafe.refund()
    for model in (Product, Customer, Location):
        cafe.reference(model, "x")

    assert cafe.get(f"/{name}/") == cafe.get(f"/{alias}/")
    assert len(cafe.get(f"/{alias}/")["results"]) == 1


def test_the_root_lists_all_addresses_to_anybody(cafe: House) -> None:
    answer = cafe.client.get("/")

    assert answer.status_code == 200
    named = {name for resource in RESOURCES for name in (resource.name, resource.alias)}
    assert set(answer.json()) >= named
    assert answer.json()["sales"] == "http://testserver/sales/"


def test_what_lists_do_not_show_is_not_found_either(cafe: House) -> None:
    hidden = cafe.sale(visible=False)

    assert cafe.get("/sales/")["results"] == []
    assert cafe.call("GET", f"/sales/{hidden.id}/").status_code == 404


def test_a_list_is_newest_first_and_pages_forth_and_back(cafe: House) -> None:
    made = [str(cafe.sale(number // 2).id) for number in range(7)]
    whole = ids(cafe.get("/sales/"))
    assert sorted(whole) == sorted(made)
    assert {*whole[:2]} == {*made[:2]}
    assert whole[6] == made[6]

    pages, url = [], "/sales/?limit=3"
    while url:
        pages.append(cafe.get(url))
        url = pages[-1]["next"]

    assert [ids(page) for page in pages] == [whole[:3], whole[3:6], whole[6:]]
    assert pages[0]["previous"] is None
    assert ids(cafe.get(pages[2]["previous"])) == whole[3:6]
    back = cafe.get(pages[1]["previous"])
    assert (ids(back), back["previous"]) == (whole[:3], None)
    assert ids(cafe.get(back["next"])) == whole[3:6]


def test_sales_without_a_time_come_first_and_are_paged_too(cafe: House) -> None:
    made = [cafe.sale(occurred_at=None) for _ in range(3)] + [cafe.sale(n) for n in range(3)]

    url, seen = "/sales/?limit=2", []
    while url:
        answer = cafe.get(url)
        seen += ids(answer)
        url, last = answer["next"], answer
    middle = cafe.get(last["previous"])
    first = cafe.get(middle["previous"])

    assert len(seen) == len(set(seen)) == 6
    assert set(seen[:3]) == {str(sale.id) for sale in made[:3]}
    assert ids(first) + ids(middle) + ids(last) == seen


def test_a_page_neither_repeats_nor_loses_while_rows_are_inserted(cafe: House) -> None:
    old = {str(cafe.sale(number).id) for number in range(6)}

    first = cafe.get("/sales/?limit=3")
    for number in (-1, 1, 2, 9):
        cafe.sale(number)
    rest = cafe.get(first["next"].replace("limit=3", "limit=500"))

    seen = ids(first) + ids(rest)
    assert len(seen) == len(set(seen))
    assert old <= set(seen)


def test_what_changed_is_listed_oldest_change_first(cafe: House) -> None:
    changes = [NOON + timedelta(hours=hour) for hour in (3, 1, 2, 0)]
    rows = [cafe.sale(updated_at=change) for change in changes]

    answer = cafe.get("/sales/?updated_after=2026-05-04T13:00:00Z&limit=2")
    rest = cafe.get(answer["next"])

    assert ids(answer) + ids(rest) == [str(rows[index].id) for index in (1, 2, 0)]


def test_references_are_paged_by_source_and_code(cafe: House) -> None:
    for code in ("c", "a", "d", "b"):
        cafe.reference(Product, code)

    answer = cafe.get("/products/?limit=3")
    rest = cafe.get(answer["next"])

    assert [item["external_id"] for item in answer["results"] + rest["results"]] == [*"abcd"]
    assert ids(cafe.get(rest["previous"])) == ids(answer)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("occurred_after=2026-05-04T12:00:00Z", {"new"}),
        ("occurred_after=2026-05-04T15:00:00+03:00", {"new"}),  # the + unescaped
        ("occurred_before=2026-05-04", {"old"}),
        ("business_date_from=2026-05-04", {"new"}),
        ("business_date_to=2026-05-03", {"old"}),
        ("status=voided", {"old"}),
        ("status=voided,completed", {"old", "new"}),
        ("kind=deal", {"old"}),
        ("counts=true", {"new"}),
        ("counts=false", {"old"}),
        ("source={source}", {"old", "new"}),
        ("source=999999999", set()),
        ("location={shop}", {"old", "new"}),
        ("location={same}", {"old"}),
    ],
)
def test_each_filter_keeps_what_it_names(cafe: House, query: str, expected: set[str]) -> None:
    shop = cafe.reference(Location, "shop")
    same = cafe.reference(Location, "same", same_as=shop.id)
    cafe.sale(external_id="new", location=shop)
    cafe.sale(
        external_id="old",
        occurred_at=NOON - timedelta(days=1),
        business_date=NOON.date() - timedelta(days=1),
        status="voided",
        kind="deal",
        counts=False,
        location=same,
    )
    query = query.format(source=cafe.source.pk, shop=shop.id, same=same.id)

    found = cafe.get(f"/sales/?{query}")["results"]

    assert {item["external_id"] for item in found} == expected


def test_refunds_and_references_have_filters_of_their_own(cafe: House) -> None:
    refund = cafe.refund(kind="void")
    cafe.refund()
    cafe.reference(Customer, "c", updated_at=NOON)

    assert ids(cafe.get("/refunds/?kind=void")) == [str(refund.id)]
    assert cafe.get("/customers/?updated_after=2026-05-05")["results"] == []
    assert len(cafe.get(f"/customers/?source={cafe.source.pk}")["results"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nonsense=1", "nonsense"),
        ("order_by=id", "order_by"),
        ("id__in=1", "id__in"),
        ("a%00b=1", "a\0b"),
        ("status=done", "status"),
        ("status=", "status"),
        ("kind=sale,%00", "kind"),
        ("counts=maybe", "counts"),
        ("source=x", "source"),
        ("source=-1", "source"),
        ("source=%D9%A1", "source"),  # an Arabic one
        ("source=99999999999999999999", "source"),
        ("location=1", "location"),
        ("location=%00", "location"),
        ("occurred_after=yesterday", "occurred_after"),
        ("occurred_after=2026-02-31", "occurred_after"),
        ("occurred_before=0001-01-01T00:00:00%2B14:00", "occurred_before"),
        ("updated_after=2026-05-04T25:00:00Z", "updated_after"),
        ("business_date_from=04.05.2026", "business_date_from"),
        ("business_date_to=2026-13-01", "business_date_to"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=1e3", "limit"),
        ("limit=%C2%B2", "limit"),  # a superscript two
        ("cursor=abc", "cursor"),
        ("cursor=%00", "cursor"),
        ("account=nobody", "account"),
        ("format=xml", "format"),
        ("limit=1&limit=2", "limit"),
        ("status=voided'--&kind=\";drop", None),
    ],
)
def test_an_unknown_or_unusable_parameter_is_named(
    cafe: House, query: str, field: str | None
) -> None:
    answer = cafe.call("GET", f"/sales/?{query}")

    assert answer.status_code == 400, answer.content
    assert field is None or answer.json()["field"] == field
    assert {"code", "detail", "field", "hint", "request_id"} == set(answer.json())


def test_an_unknown_parameter_lists_the_valid_ones(cafe: House) -> None:
    answer = cafe.call("GET", "/products/?status=open").json()

    assert answer["code"] == "unknown_parameter"
    assert answer["hint"] == "Есть: updated_after, source, cursor, limit, account, format."


def test_a_cursor_of_another_order_or_a_changed_one_is_refused(cafe: House) -> None:
    for number in range(3):
        cafe.sale(number)
    url = cafe.get("/sales/?limit=1")["next"]

    assert cafe.call("GET", url + "&updated_after=2026-01-01").status_code == 400
    assert cafe.call("GET", url[:-1] + ("a" if url[-1] != "a" else "b")).status_code == 400


def test_a_page_costs_the_same_number_of_queries_however_long_it_is(cafe: House) -> None:
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            cafe.get(path)
        return len(queries)

    def fill() -> None:
        shop = cafe.reference(Location, f"shop-{uuid.uuid4()}")
        sale = cafe.sale(lines=3, location=shop)
        cafe.payment(sale)
        cafe.fiscal(cafe.refund(sale))
        cafe.reference(Product, f"p-{uuid.uuid4()}")

    paths = [f"/{resource.alias}/" for resource in RESOURCES]
    fill()
    short = [cost(path) for path in paths]
    for _ in range(4):
        fill()

    assert [cost(path) for path in paths] == short
    assert max(short) <= 12
