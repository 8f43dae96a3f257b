"""One sale, one meaning: whichever system tells of it, it is the same sale (``docs/glossary.md``).

On 14 September 2026 at noon in Moscow two coffees of 150.00 and a croissant of 120.00 were sold
with 10 % off, for 200.00 in cash and the rest by card; at half past twelve the croissant came back.

    gross 2 × 150 + 120 = 420        discount 30 + 12 = 42        total 420 − 42 = 378
    paid 200 + 178 = 378             back 120 − 12 = 108          net 378 − 108 = 270

Every provider has the sale recorded as ``<event>__same_sale…``. What its texts cannot say is null.
Where tips are known, 20.00 by card are put on top of it: 398 paid, and the rest as it was.
To a CRM it is a won deal: that has no refunds, and is no revenue beside the till's.
How iiko and Poster tell of a refund nobody has confirmed: of them the sale alone is read.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest

from integrations import samples
from integrations.cases import RECEIVED, Word, outcome, outcome_of_answer
from integrations.cases import Unrecognised as Unread
from integrations.contract import Read
from integrations.registry import PROVIDERS
from sales.merging import F, Settings, SourceSettings
from sales.statements import Stated

SALE: Mapping[str, Any] = {
    "kind": "sale",
    "known": "stated",
    "status": "partially_refunded",
    "counts": True,
    "is_test": False,
    "anomalies": [],
    "currency": "RUB",
    "channel": "pos",
    "occurred_at": datetime(2026, 9, 14, 9, 0, tzinfo=UTC),
    "business_date": date(2026, 9, 14),
    "tax_included": True,
    "gross_total": D("420.00"),
    "discount_total": D("42.00"),
    "service_total": None,
    "delivery_total": None,
    "tip_total": None,
    "rounding_total": None,
    "tax_total": D("0.00"),
    "total": D("378.00"),
    "paid_total": D("378.00"),
    "change_total": D("0.00"),
    "refunded_total": D("108.00"),
    "net_total": D("270.00"),
    "cost_total": None,
}
_LINE = ("name", "quantity", "unit_price", "gross", "discount", "total", "tax_code", "tax_amount")
LINES = [
    ("Кофе", D(2), D(150), D("300.00"), D("30.00"), D("270.00"), "none", D("0.00")),
    ("Круассан", D(1), D(120), D("120.00"), D("12.00"), D("108.00"), "none", D("0.00")),
]
PAYMENTS: list[dict[str, Any]] = [
    {"method": "card", "status": "completed", "amount": D("178.00"), "tendered": None},
    {"method": "cash", "status": "completed", "amount": D("200.00"), "tendered": D("200.00")},
]
REFUND: Mapping[str, Any] = {
    "kind": "refund",
    "status": "completed",
    "currency": "RUB",
    "occurred_at": datetime(2026, 9, 14, 9, 30, tzinfo=UTC),
    "business_date": date(2026, 9, 14),
    "total": D("108.00"),
    "tax_total": D("0.00"),
    "lines": [("Круассан", D(1), D("108.00"))],
    "payments": [("cash", D("108.00"))],
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a provider says otherwise: fields that it cannot say, or says beyond the others."""

    sale: Mapping[str, Any] = field(default_factory=dict)
    refund: Mapping[str, Any] = field(default_factory=dict)
    payment: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[tuple[Any, ...]] = tuple(LINES)
    is_deal: bool = False
    payments: Sequence[Mapping[str, Any]] | None = None
    has_refund: bool = True


#: A deal that was won, three hours after the till had rung it up.
DEAL: dict[str, Any] = {
    "kind": "deal",
    "status": "completed",
    "counts": False,
    "channel": "crm",
    "occurred_at": datetime(2026, 9, 14, 12, 8, 44, tzinfo=UTC),
    "paid_total": None,
    "change_total": None,
    "refunded_total": D("0.00"),
    "net_total": D("378.00"),
}
UNREFUNDED: dict[str, Any] = {
    "status": "completed",
    "refunded_total": D("0.00"),
    "net_total": D("378.00"),
}
TABLE: Mapping[str, Row] = {
    # Of its catalogue's elements a lead links ids and quantities alone.
    "amocrm": Row(
        sale=DEAL | dict.fromkeys(("tax_included", "gross_total", "discount_total", "tax_total")),
        lines=[(None, number, *[None] * 6) for number in (D(2), D(1))],
        is_deal=True,
    ),
    "bitrix24": Row(sale=DEAL, is_deal=True),
    # Every piece is a line of its own; taxes are on top, and there were none. Of a line that came
    # back it says which it is, not what of the refund it was.
    "clover": Row(
        sale={"tax_included": False, "tip_total": D("0.00"), "change_total": None},
        refund={"lines": [("Круассан", D(1), None)], "payments": []},
        lines=[
            *[("Кофе", D(1), D(150), D("150.00"), D("15.00"), D("135.00"), None, None)] * 2,
            (*LINES[1][:6], None, None),
        ],
    ),
    # A till that is told of by a description alone.
    "custom": Row(),
    "evotor": Row(),
    # These two speak our own schema.
    "cloudevents": Row(),
    "github": Row(),
    # Neither a deal nor its rows say where taxes are.
    "hubspot": Row(
        sale=DEAL | dict.fromkeys(("tax_included", "tax_total")),
        lines=[(*line[:6], None, None) for line in LINES],
        is_deal=True,
    ),
    # It states a rate of 0 %, in which no VAT at all cannot be told, and a tip of nothing.
    "iiko": Row(
        sale=UNREFUNDED | {"change_total": None, "tip_total": D("0.00")},
        payment={"tendered": None},
        lines=[(*line[:6], "0", line[7]) for line in LINES],
        has_refund=False,
    ),
    # Of what was sold it names the product's number alone; taxes are on top: there were none.
    "lightspeed": Row(
        sale={"tax_included": False, "change_total": None},
        refund={"lines": [(None, D(1), D("108.00"))]},
        payment={"tendered": None},
        lines=[(None, *line[1:6], None, line[7]) for line in LINES],
    ),
    # It says that there is no surcharge, no tip and no tax, and nothing of where taxes would be.
    "loyverse": Row(
        sale={
            "tax_included": None,
            "service_total": D("0.00"),
            "tip_total": D("0.00"),
            "change_total": None,
        },
        payment={"tendered": None},
        lines=[(*line[:6], None, None) for line in LINES],
    ),
    # It says what was paid, never what was handed over; and no VAT is no word on where VAT is.
    "moysklad": Row(sale={"change_total": None, "tax_included": None}, payment={"tendered": None}),
    # Its products say neither taxes nor where they would be.
    "pipedrive": Row(
        sale=DEAL | dict.fromkeys(("tax_included", "tax_total")),
        lines=[(*line[:6], None, None) for line in LINES],
        is_deal=True,
    ),
    # It says that there is no service, no tip and no rounding.
    "poster": Row(
        sale=UNREFUNDED
        | {"change_total": None}
        | dict.fromkeys(("service_total", "tip_total", "rounding_total"), D("0.00")),
        payment={"tendered": None},
        has_refund=False,
    ),
    # Its deals have payments; that an item is without VAT is no word on where VAT is.
    "retailcrm": Row(
        sale=DEAL
        | dict.fromkeys(("tax_included", "tax_total"))
        | {"paid_total": D("378.00"), "change_total": None},
        lines=[(*line[:7], None) for line in LINES],
        payments=[{**one, "tendered": None} for one in PAYMENTS],
        is_deal=True,
    ),
    # An opportunity has an amount, and its list the rows; taxes are in neither.
    "salesforce": Row(
        sale=DEAL | dict.fromkeys(("tax_included", "gross_total", "discount_total", "tax_total")),
        lines=[(*line[:6], None, None) for line in LINES],
        is_deal=True,
    ),
    # A till's order has no delivery and no tip, and says so.
    "shopify": Row(
        sale={"change_total": None, "delivery_total": D("0.00"), "tip_total": D("0.00")},
        payment={"tendered": None},
    ),
    # Where there is no tax, nothing says where it would be; an order names no refund, whose own
    # event has no lines; and service and tip are said to be nothing.
    "square": Row(
        sale={
            "tax_included": None,
            "service_total": D("0.00"),
            "tip_total": D("0.00"),
            "change_total": None,
        },
        refund={"tax_total": None, "lines": [], "payments": []},
    ),
    "standard": Row(),
    # A shop online: an order has one payment, says that there is no service and no delivery, and
    # names of a refund its sum alone.
    "woocommerce": Row(
        sale={
            "channel": "online",
            "service_total": D("0.00"),
            "delivery_total": D("0.00"),
            "change_total": None,
        },
        payments=[{**PAYMENTS[1], "amount": D("378.00"), "tendered": None}],
        refund={"occurred_at": None, "tax_total": None, "lines": [], "payments": []},
    ),
    # A charge of a card: no cash, no document, nothing of what was sold.
    "stripe": Row(
        sale={
            "known": "implied",
            "anomalies": ["lines_missing"],
            **dict.fromkeys(
                ("tax_included", "gross_total", "discount_total", "tax_total", "change_total")
            ),
        },
        refund={"tax_total": None, "lines": [], "payments": []},
        lines=[],
        payments=[
            {"method": "card", "status": "completed", "amount": D("378.00"), "tendered": None}
        ],
    ),
    # One payment, by card, says that there is no tip; of its products what was taken off is not
    # said, and of a refund the sum.
    "sumup": Row(
        sale={
            "gross_total": None,
            "discount_total": None,
            "tip_total": D("0.00"),
            "change_total": None,
        },
        refund={"tax_total": None, "lines": [], "payments": []},
        lines=[(*line[:4], *[None] * 4) for line in LINES],
        payments=[{**PAYMENTS[0], "amount": D("378.00")}],
    ),
    # In dollars, taxes on top of prices: there were none. It says that there is no service and no
    # tip, what a selection costs and not what one of it does, and of a refund the sum.
    "toast": Row(
        sale={
            "currency": "USD",
            "tax_included": False,
            "service_total": D("0.00"),
            "tip_total": D("0.00"),
            "change_total": None,
        },
        refund={"currency": "USD", "tax_total": None, "lines": []},
        payment={},
        lines=[(*line[:2], None, *line[3:6], None, line[7]) for line in LINES],
    ),
    # It says no rate of a tax, and that there was none; what was taken off is the purchase's.
    "zettle": Row(
        sale={"tax_included": None, "tip_total": D("0.00"), "change_total": None},
        refund={},
        lines=[(*line[:6], None, None) for line in LINES],
    ),
    # A visit: it says neither taxes nor change; not of cash is all it says of a card. That money
    # went back no event of it says for certain.
    "yclients": Row(
        sale={
            "status": "completed",
            **dict.fromkeys(("tax_included", "tax_total", "change_total")),
            "refunded_total": D("0.00"),
            "net_total": D("378.00"),
        },
        lines=[(*line[:6], None, None) for line in LINES],
        payments=[
            {"method": "cash", "status": "completed", "amount": D("200.00"), "tendered": None},
            {"method": "other", "status": "completed", "amount": D("178.00"), "tendered": None},
        ],
        has_refund=False,
    ),
}


#: How each system that knows tips writes 20.00 by card on top of the sale: what of its recorded
#: texts changes.
_OURS = [
    (b'"tax_total":"0.00","total":"378.00"', b'"tax_total":"0.00","tip_total":"20","total":"398"'),
    (b'"method":"card","amount":"178.00"', b'"method":"card","amount":"198","tip":"20"'),
]
_CLOVER = b'"taxAmount": 0,\n      "tipAmount"'
_ZETTLE = b'\\"amount\\":17800,\\"type\\":\\"IZETTLE_CARD\\"'
_IIKO = b"""[{"tipsType": {"id": "t", "name": "Tips"}, "paymentType": {"id": "p", "name": "Card",
  "kind": "Card"}, "sum": 20.0, "isPreliminary": false, "isExternal": false,
  "isProcessedExternally": false, "isFiscalizedExternally": null, "isPrepay": false}]"""
TIPS: Mapping[str, Sequence[tuple[bytes, bytes]]] = {
    "cloudevents": _OURS,
    "github": _OURS,
    "standard": _OURS,
    # Its ``amount`` is without the tip, and an order's total as well.
    "clover": [(_CLOVER + b": 0\n     }\n    ]", _CLOVER + b": 2000\n     }\n    ]")],
    # The tip is a payment beside the others.
    "iiko": [(b'"tips": []', b'"tips": ' + _IIKO)],
    "loyverse": [
        (b'"tip":0,"surcharge":0,"total_money":378', b'"tip":20,"surcharge":0,"total_money":398'),
        (b'"money_amount":178', b'"money_amount":198'),
    ],
    "poster": [
        (b'"payed_card": "17800"', b'"payed_card": "19800"'),
        (b'"payed_sum": "37800"', b'"payed_sum": "39800"'),
        (b'"tips_card": "0"', b'"tips_card": "2000"'),
    ],
    "shopify": [
        (b'"total_tip_received": "0.00"', b'"total_tip_received": "20.00"'),
        (b'"total_price": "378.00"', b'"total_price": "398.00"'),
        (b'"amount": "178.00",\n  "currency"', b'"amount": "198.00",\n  "currency"'),
    ],
    "square": [
        (
            b'"total_money": {\n   "amount": 37800',
            b'"total_money": {\n   "amount": 39800',
        ),
        (
            b'"total_tip_money": {\n   "amount": 0',
            b'"total_tip_money": {\n   "amount": 2000',
        ),
        (
            b'"total_money":{"amount":17800,"currency":"RUB"}',
            b'"total_money":{"amount":19800,"currency":"RUB"},'
            b'"tip_money":{"amount":2000,"currency":"RUB"}',
        ),
    ],
    # One payment for all of it.
    "sumup": [(b'"amount": 378', b'"amount": 398'), (b'"tip_amount": 0', b'"tip_amount": 20')],
    # The check's total is without the tip.
    "toast": [(b'"amount":178.0,"tipAmount":0.0', b'"amount":178.0,"tipAmount":20.0')],
    # Inside the amounts of the payment and of the purchase.
    "zettle": [
        (b'\\"amount\\":37800', b'\\"amount\\":39800'),
        (
            _ZETTLE,
            _ZETTLE.replace(b"17800", b"19800") + b',\\"gratuityAmount\\":2000',
        ),
    ],
}


def told(slug: str, edits: Sequence[tuple[bytes, bytes]] = ()) -> list[Stated]:
    """Return what the recorded texts of a provider state of the sale, with these edits in them."""
    provider = samples.configured(PROVIDERS[slug])
    missing = {old for old, _ in edits}

    def edited(body: bytes) -> bytes:
        for old, new in edits:
            missing.difference_update([old] if old in body else [])
            body = body.replace(old, new)
        return body

    pushed = [one for name, one in samples.load(slug).items() if _same(name)]
    answered = [body for name, body in samples.load_answers(slug).items() if _same(name)]
    cases = [
        *(outcome(provider, replace(one, body=edited(one.body))) for one in pushed),
        *(outcome_of_answer(provider, edited(body)) for body in answered),
    ]
    assert not missing, missing
    received = datetime.fromtimestamp(RECEIVED / 1_000_000, UTC)
    found: list[Stated] = []
    for number, case in enumerate(cases):
        assert not isinstance(case, Word | Unread)
        found += [
            Stated(draft, 1, 1, UUID(int=number), received, provider.mapper)
            for draft in case
            if not isinstance(draft, Read | Word)
        ]
    return found


def _same(name: str) -> bool:
    return name.partition("__")[2].startswith("same_sale")


def picked(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def meaning(stated: list[Stated]) -> dict[str, Any]:
    """Return the sale, its parts and its refund as the rule makes them, without their ids."""
    tables = F(stated, [], Settings({1: SourceSettings("Europe/Moscow")}))
    (sale,) = (row for row in tables["sale"].values() if row["visible"])
    assert {refund["sale_id"] for refund in tables["refund"].values()} <= {sale["id"]}
    lines = sorted(tables["line"].items(), key=lambda item: item[0][1])
    payments = sorted(tables["payment"].values(), key=lambda row: row["method"])
    return {
        "sale": picked(sale, SALE),
        "lines": [tuple(row[name] for name in _LINE) for _, row in lines],
        "payments": [picked(row, PAYMENTS[0]) for row in payments],
        "refunds": [_refund(refund) for refund in tables["refund"].values()],
    }


def _refund(refund: Mapping[str, Any]) -> dict[str, Any]:
    lines, payments = refund["lines"] or (), refund["payments"] or ()
    return picked(refund, REFUND) | {
        "lines": [(line["name"], D(line["quantity"]), _sum_of(line["total"])) for line in lines],
        "payments": [(one["method"], D(one["amount"])) for one in payments],
    }


def _sum_of(text: str | None) -> D | None:
    return None if text is None else D(text)


def expected(row: Row) -> dict[str, Any]:
    payments = row.payments
    if payments is None:
        payments = [] if row.is_deal else [{**one, **row.payment} for one in PAYMENTS]
    has_refund = row.has_refund and not row.is_deal
    return {
        "sale": {**SALE, **row.sale},
        "lines": list(row.lines),
        "payments": list(payments),
        "refunds": [{**REFUND, **row.refund}] if has_refund else [],
    }


@pytest.mark.parametrize("slug", sorted(TABLE))
def test_the_same_sale_has_the_same_meaning_whoever_tells_of_it(slug: str) -> None:
    assert meaning(told(slug)) == expected(TABLE[slug])


@pytest.mark.parametrize("slug", sorted(TABLE))
def test_the_order_in_which_it_is_told_changes_nothing(slug: str) -> None:
    stated = told(slug)

    for seed in range(5):
        order = random.Random(seed).sample(stated, len(stated))
        assert meaning(order) == expected(TABLE[slug]), seed


def test_every_provider_that_tells_of_the_sale_is_in_the_table() -> None:
    recorded = {
        slug
        for slug in PROVIDERS
        if any(map(_same, [*samples.load(slug), *samples.load_answers(slug)]))
    }

    assert recorded == set(TABLE)


@pytest.mark.parametrize("slug", sorted(TIPS))
def test_a_tip_by_card_is_in_the_total_and_in_its_payment_whoever_tells_of_it(slug: str) -> None:
    before, tipped = meaning(told(slug)), meaning(told(slug, TIPS[slug]))

    # 378 + 20 = 398, and 108 of it came back where that is told.
    more = dict.fromkeys(("total", "paid_total", "net_total"), D(20))
    wanted = {name: before["sale"][name] + amount for name, amount in more.items()}
    assert tipped["sale"] == {**before["sale"], **wanted, "tip_total": D("20.00")}
    paid = [sum(one["amount"] for one in each["payments"]) for each in (before, tipped)]
    assert paid == [D(378), D(398)]
    assert [tipped[name] for name in ("lines", "refunds")] == [
        before[name] for name in ("lines", "refunds")
    ]
