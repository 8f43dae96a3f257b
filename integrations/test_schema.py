"""Our standard schema: what the reader accepts is what the published JSON Schema accepts."""

import json
import re
import shutil
import subprocess
import time
from dataclasses import fields, is_dataclass
from decimal import Decimal as D
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from sales.drafts import Discount, Fiscal, Header, Line, Payment, SaleDraft

from . import samples
from .cases import context_of
from .contract import Context, Delivery, Event, PayloadUnrecognised
from .registry import PROVIDERS
from .strict import parse_json

ROOT = Path(__file__).parents[1]
FILES = sorted((Path(__file__).parent / "standard" / "schema" / "v1").glob("*.json"))
STANDARD = PROVIDERS["standard"]
SALE = {"id": "s-1", "occurred_at": "2026-09-14T12:00:00Z", "total": "100.00"}
REFUND = {"id": "r-1", "occurred_at": "2026-09-14T12:00:00Z", "total": "10"}
PAYMENT = {"id": "p-1", "method": "cash", "amount": "10"}


def load(file: Path) -> Any:
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    registry: Registry[Any] = Registry().with_resources(
        (file.name, Resource.from_contents(load(file))) for file in FILES
    )
    return Draft202012Validator({"$ref": "envelope.json"}, registry=registry)


def read(envelope: Any) -> Any:
    """Return the drafts of an envelope, or the path that is refused."""
    body = json.dumps(envelope, ensure_ascii=False).encode()
    try:
        (event,) = STANDARD.split(Delivery("POST", "", "", {}, body, ""))
        normalise = STANDARD.normalisers.get(event.type)
        return normalise(event, context_of(STANDARD)) if normalise else ()
    except PayloadUnrecognised as error:
        return error.path


def envelope(kind: str, data: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": "2026-09-14T12:00:01Z", "data": data, **more}


def sale(**changed: Any) -> dict[str, Any]:
    return envelope("sale.created", {**SALE, **changed})


def line(**stated: Any) -> dict[str, Any]:
    return sale(lines=[stated])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_schema_is_itself_valid_and_speaks_two_languages(file: Path) -> None:
    schema = load(file)

    Draft202012Validator.check_schema(schema)
    for word in ("title", "description"):
        assert re.search(r"[а-я]", schema[word])
        assert re.search(r"/ [A-Za-z]", schema[word])


@pytest.mark.parametrize("name", sorted(samples.load("standard")))
def test_samples_are_valid_exactly_where_the_reader_takes_them(
    name: str, validator: Draft202012Validator
) -> None:
    body = json.loads(samples.load("standard")[name].body)

    assert validator.is_valid(body) is not isinstance(read(body), str)


GOOD: dict[str, Any] = {
    "the least": sale(),
    "an unknown type": envelope("shift.closed", 5),
    "no time": {"type": "sale.created", "data": SALE},
    "null time": sale() | {"timestamp": None},
    "the id under the name of our API": envelope(
        "sale.created", {"external_id": 7, "occurred_at": "2026-09-14 12:00", "total": 0}
    ),
    "numbers as numbers": sale(total=100.5, number=412, gross_total=100.50),
    "nulls": sale(
        **dict.fromkeys("number status kind lines payments fiscal shift tip_total".split())
    ),
    "an unknown field": sale(colour="red"),
    "a negative rounding": sale(rounding_total="-0.50"),
    "a naive time": sale(occurred_at="2026-09-14T12:00:00"),
    "nanoseconds": sale(occurred_at="2026-09-14T12:00:00.123456789+0300"),
    "a link as an id": sale(location="shop-1", employee=5, customer=None),
    "a link as an object": sale(device={"external_id": "till", "name": None}),
    "an empty line": line(),
    "a line in short form": line(product_id="p", quantity="0.5", unit_price="10.123456"),
    "an unknown tax": line(tax={"code": "VAT_17", "rate": "17"}),
    "an unknown method": sale(payments=[{"method": "чек", "amount": "1"}]),
    "a method under its other name": sale(payments=[{"type": "card", "amount": "1"}]),
    "a refund": envelope("refund.created", REFUND),
    "a payment": envelope("payment.created", PAYMENT),
    "a customer": envelope("customer.updated", {"id": "c"}),
    "a product with a category": envelope("product.created", {"id": 1, "category": "Хлеб"}),
    "a location": envelope("location.created", {"id": 1, "address": ""}),
    "a tombstone": envelope("sale.deleted", {"id": "s-1"}),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_documents_are_taken_by_both(name: str, validator: Draft202012Validator) -> None:
    assert not list(validator.iter_errors(GOOD[name]))
    assert not isinstance(read(GOOD[name]), str)


BAD: dict[str, tuple[Any, str]] = {
    "no object": ([], "$"),
    "no type": ({"data": SALE}, "type"),
    "a type that is no text": ({"type": 1, "data": SALE}, "type"),
    "no data": ({"type": "sale.created"}, "data"),
    "data that is no object": (envelope("sale.created", []), "data"),
    "a bad time": (sale() | {"timestamp": "today"}, "timestamp"),
    "no id": (envelope("sale.created", {**SALE, "id": None}), "data.id"),
    "an empty id": (sale(id=""), "data.id"),
    "an id of 201 characters": (sale(id="x" * 201), "data.id"),
    "an id that is no id": (sale(id={}), "data.id"),
    "no moment": (sale(occurred_at=None), "data.occurred_at"),
    "a date for a time": (sale(occurred_at="2026-09-14"), "data.occurred_at"),
    "month 13": (sale(occurred_at="2026-13-14T00:00:00Z"), "data.occurred_at"),
    "no total": (sale(total=None), "data.total"),
    "a negative total": (sale(total="-1"), "data.total"),
    "a comma": (sale(total="1,5"), "data.total"),
    "a thousands' separator": (sale(total="1 000"), "data.total"),
    "no number at all": (sale(total="NaN"), "data.total"),
    "too much": (sale(total=10**13), "data.total"),
    "a truth for a sum": (sale(tip_total=True), "data.tip_total"),
    "an unknown status": (sale(status="refunded"), "data.status"),
    "an unknown kind": (sale(kind="return"), "data.kind"),
    "an unknown channel": (sale(channel="web"), "data.channel"),
    "a word for a truth": (sale(is_test="yes"), "data.is_test"),
    "a currency in small letters": (sale(currency="rub"), "data.currency"),
    "an offset of a day": (sale(utc_offset=1440), "data.utc_offset"),
    "an offset in text": (sale(utc_offset="180"), "data.utc_offset"),
    "a day with its time": (sale(business_date="2026-09-14T00:00:00Z"), "data.business_date"),
    "lines that are no list": (sale(lines={}), "data.lines"),
    "a line that is no object": (sale(lines=[[]]), "data.lines[0]"),
    "a negative quantity": (line(quantity=-1), "data.lines[0].quantity"),
    "an unknown kind of line": (line(kind="food"), "data.lines[0].kind"),
    "a link without an id": (line(product={"name": "Хлеб"}), "data.lines[0].product.id"),
    "a marking that is no list": (line(marking="01"), "data.lines[0].marking"),
    "a marking that is no text": (line(marking=[1]), "data.lines[0].marking[0]"),
    "a tax that is no object": (line(tax="20"), "data.lines[0].tax"),
    "a negative rate": (line(tax={"rate": -1}), "data.lines[0].tax.rate"),
    "a payment without a sum": (sale(payments=[{"method": "cash"}]), "data.payments[0].amount"),
    "a payment without a method": (sale(payments=[{"amount": "1"}]), "data.payments[0].type"),
    "a whole card number": (
        sale(payments=[{**PAYMENT, "last4": "4111111111111111"}]),
        "data.payments[0].last4",
    ),
    "an unknown status of a payment": (
        sale(payments=[{**PAYMENT, "status": "ok"}]),
        "data.payments[0].status",
    ),
    "an unknown operation": (sale(fiscal=[{"operation": 5}]), "data.fiscal[0].operation"),
    "a shift that is no object": (sale(shift="88"), "data.shift"),
    "an unknown kind of discount": (sale(discounts=[{"kind": "sale"}]), "data.discounts[0].kind"),
    "a refund without a moment": (
        envelope("refund.created", {"id": 1, "total": "1"}),
        "data.occurred_at",
    ),
    "an unknown status of a refund": (
        envelope("refund.updated", {**REFUND, "status": "done"}),
        "data.status",
    ),
    "a payment of its own without an id": (
        envelope("payment.created", {"method": "cash", "amount": "1"}),
        "data.id",
    ),
    "a customer without an id": (envelope("customer.created", {"name": "Анна"}), "data.id"),
    "a phone as a number": (envelope("customer.created", {"id": 1, "phone": 7900}), "data.phone"),
    "a tombstone without an id": (envelope("refund.deleted", {}), "data.id"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_documents_are_refused_by_both_and_the_reader_names_the_place(
    name: str, validator: Draft202012Validator
) -> None:
    document, path = BAD[name]

    assert not validator.is_valid(document)
    assert read(document) == path


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (sale(total="199.995"), "data.total"),
        (sale(currency="JPY", total="0.5"), "data.total"),
        (sale(currency="ABC"), "data.currency"),
        (sale(payments=[{**PAYMENT, "currency": "USD"}]), "data.payments[0].currency"),
        (sale(occurred_at="2026-02-31T00:00:00Z"), "data.occurred_at"),
        (line(quantity="999999999999999", unit_price="999999999999999"), "data.lines[0]"),
        (sale(lines=[{"gross": "9999999999999"}] * 2), "data"),
    ],
)
def test_what_no_schema_can_say_the_reader_refuses(document: Any, path: str) -> None:
    assert read(document) == path


def stated(document: Any) -> SaleDraft:
    (draft,) = read(document)
    assert isinstance(draft, SaleDraft)
    return draft


def only_line(document: Any) -> Line:
    (found,) = stated(document).lines or ()
    return found


def test_absent_parts_are_not_stated_and_empty_ones_are() -> None:
    absent, empty = stated(sale()), stated(sale(lines=[], payments=[], customer=None))

    assert (absent.lines, absent.money, absent.customer) == (None, None, None)
    assert empty.lines == ()
    assert empty.money is not None
    assert empty.customer is not None


@pytest.mark.parametrize(
    ("parts", "gross", "discount", "total"),
    [
        ({"quantity": "3", "unit_price": "0.335"}, D("1.01"), None, None),  # 1.005 half-up
        ({"gross": "10", "discount": "1"}, D("10.00"), D("1.00"), D("9.00")),
        ({"gross": "10", "total": "9"}, D("10.00"), D("1.00"), D("9.00")),
        ({"gross": "10", "total": "12"}, D("10.00"), None, D("12.00")),  # a mark-up is no discount
        ({"gross": "10", "discount": "12"}, D("10.00"), D("12.00"), None),
        ({"quantity": "2", "unit_price": "5", "gross": "0"}, D("0.00"), None, None),
        ({"discount": "1"}, None, D("1.00"), None),
    ],
)
def test_a_line_is_completed_where_it_follows(
    parts: dict[str, str], gross: D | None, discount: D | None, total: D | None
) -> None:
    found = only_line(line(**parts))

    assert (found.gross, found.discount, found.total) == (gross, discount, total)


def test_a_discount_of_the_document_is_spread_by_the_largest_remainder() -> None:
    # 10.00 over 5.00, 5.00, 5.00: 3.34, 3.33, 3.33.
    lines = [{"gross": "5.00"}] * 3
    draft = stated(sale(lines=lines, discounts=[{"amount": "10.00"}, {"name": "без суммы"}]))

    assert draft.lines is not None
    assert draft.header is not None
    assert [found.discount for found in draft.lines] == [D("3.34"), D("3.33"), D("3.33")]
    assert [found.total for found in draft.lines] == [D("1.66"), D("1.67"), D("1.67")]
    assert draft.header.discount_total == D("10.00")


def test_a_discount_is_not_spread_where_a_line_states_its_own() -> None:
    lines = [{"gross": "5.00", "discount": "1.00"}, {"gross": "5.00"}]
    draft = stated(sale(lines=lines, discounts=[{"amount": "2.00"}]))

    assert draft.lines is not None
    assert draft.header is not None
    assert [found.discount for found in draft.lines] == [D("1.00"), None]
    assert draft.header.discount_total is None  # not every line says its part


@pytest.mark.parametrize(
    ("tax", "code", "rate"),
    [
        ({"code": "20"}, "20", D(20)),
        ({"code": 20}, "20", D(20)),
        ({"rate": "20.00"}, "20", D("20.00")),
        ({"code": "20/120"}, "20/120", D(20)),
        ({"code": "none"}, "none", None),
        ({"rate": 17}, "other", D(17)),
        ({"code": "VAT"}, "other", None),
        ({}, None, None),
    ],
)
def test_taxes_are_codes_and_rates(tax: dict[str, Any], code: str | None, rate: D | None) -> None:
    found = only_line(line(tax=tax))

    assert (found.tax_code, found.tax_rate) == (code, rate)


def test_a_line_without_vat_adds_nothing_to_the_tax() -> None:
    lines = [{"tax": {"code": "none"}}, {"tax": {"code": "20", "amount": "5"}}]
    header = stated(sale(lines=lines)).header

    assert header is not None
    assert header.tax_total == D("5.00")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "2099-01-01T00:00:00Z"])
def test_a_till_with_a_dead_battery_still_sold(moment: str) -> None:
    header = stated(sale(occurred_at=moment)).header

    assert header is not None
    assert header.anomalies == ("clock",)


def test_settings_of_the_source_fill_in_what_the_document_leaves_open() -> None:
    event = Event(key="1", type="sale.created", payload=envelope("sale.created", SALE))
    context = Context("KZT", "Asia/Almaty", 0, prices_include_tax=True, location="shop-9")

    (draft,) = STANDARD.normalisers["sale.created"](event, context) or ()

    assert isinstance(draft, SaleDraft)
    assert draft.header is not None
    assert draft.header.currency == "KZT"
    assert draft.header.tax_included is True
    assert draft.header.location is not None
    assert draft.header.location.external_id == "shop-9"


#: What a document cannot say: derived, or of another event.
_NOT_SAID = {"role", "anomalies", "parent_key", "location", "device", "employee", "customer"}


def unsaid(value: Any) -> set[str]:
    """Return the fields of a draft, and of its parts, that nothing was said of."""
    empty = {item.name for item in fields(value) if getattr(value, item.name) in (None, ())}
    return {f"{type(value).__name__}.{name}" for name in empty - _NOT_SAID}


def test_the_full_sample_says_all_that_a_sale_can_say() -> None:
    draft = stated(json.loads(samples.load("standard")["sale.created__full"].body))
    assert draft.header is not None
    assert draft.money is not None
    assert draft.lines is not None
    cash, card = draft.money.payments

    assert unsaid(draft.header) == set()
    assert unsaid(draft.lines[1]) == set()
    assert unsaid(draft.header.discounts[0]) == unsaid(draft.header.fiscal[0]) == set()
    # What a counter says is of providers that keep one; the standard schema has refunds for it.
    assert unsaid(cash) & unsaid(card) == {"Payment.refunded_cum", "Payment.counted_at"}
    for kind in (Header, Line, Payment, Discount, Fiscal):
        assert is_dataclass(kind)


def test_the_published_schema_names_every_field_of_the_full_sample() -> None:
    sample = json.loads(samples.load("standard")["sale.created__full"].body)["data"]
    common = load(FILES[0].with_name("common.json"))["$defs"]

    assert sample.keys() <= load(FILES[0].with_name("sale.json"))["properties"].keys()
    for name, definition in (("lines", "line"), ("payments", "payment"), ("fiscal", "fiscal")):
        for item in sample[name]:
            assert item.keys() <= common[definition]["properties"].keys()


def examples() -> list[Any]:
    text = (ROOT / "docs" / "standard-schema.md").read_text()
    return [parse_json(found.encode()) for found in re.findall(r"```json\n(.*?)```", text, re.S)]


def test_the_examples_of_the_documentation_are_true(validator: Draft202012Validator) -> None:
    found = [example for example in examples() if "type" in example]

    assert [example["type"] for example in found][:2] == ["sale.created", "sale.created"]
    for example in found:
        assert not list(validator.iter_errors(json.loads(json.dumps(example, default=float))))
        assert not isinstance(read(example), str)


def test_the_full_example_of_the_documentation_is_the_recorded_one() -> None:
    sample = parse_json(samples.load("standard")["sale.created__full"].body)

    assert sample in examples()


def test_the_documentation_names_every_field_and_every_type() -> None:
    text = (ROOT / "docs" / "standard-schema.md").read_text()
    common = load(FILES[0].with_name("common.json"))["$defs"]
    named = {name for file in FILES for name in load(file).get("properties", {})}
    named |= {name for part in common.values() for name in part.get("properties", {})}

    assert {
        name for name in named | STANDARD.normalisers.keys() if f"`{name}`" not in text
    } == set()


def test_the_signing_example_of_the_documentation_signs(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed / openssl не установлен")
    text = (ROOT / "docs" / "standard-schema.md").read_text()
    (script,) = re.findall(r"```sh\n(.*?)```", text, re.S)
    script = script.replace("'whsec_…'", f"'{samples.TEST_SECRET.value}'")
    (tmp_path / "sale.json").write_bytes(samples.load("standard")["sale.created__cash"].body)

    # A curl of our own, which shows what the true one would be given.
    shown = subprocess.run(
        ["sh", "-c", 'curl() { printf "%s\\0" "$@"; }\n' + script],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout.split(b"\0")

    body = shown[shown.index(b"--data-binary") + 1]
    given = [item.decode() for flag, item in pairwise(shown) if flag == b"-H"]
    headers = dict(item.split(": ", 1) for item in given)
    delivery = Delivery("POST", "", "", headers, body, "")
    STANDARD.scheme.verify(delivery, [samples.TEST_SECRET], time.time())
