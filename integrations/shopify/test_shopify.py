"""What the recorded deliveries of Shopify state, worked out by hand from their payloads.

One day of a coffee shop, 14 September 2026, four hours west of Greenwich: two cappuccinos, a
croissant, one discount, the croissant given back.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import TypeVar

import pytest

from integrations import samples
from integrations.cases import (
    IGNORED,
    RECEIVED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import (
    Answered,
    Delivery,
    Event,
    PayloadUnrecognised,
    Read,
    Secret,
    SignatureInvalid,
)
from integrations.reading import parse_json
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    OrderedBy,
    Payment,
    PaymentDraft,
    Rank,
    Refund,
    RefundDraft,
    RefundLine,
    SaleDraft,
    Version,
)

from . import PROVIDER
from .payload import split
from .test_references import CASES as REFERENCES

EASTERN = timezone(timedelta(hours=-4))
#: Midnight four hours west of Greenwich, in microseconds: 04:00 of the 20 710th day since 1970,
#: (20 710 × 86 400 + 4 × 3 600) s = 1 789 358 400 s.
MIDNIGHT = 1_789_358_400_000_000


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=EASTERN)


def clock(hour: int, minute: int, second: int = 0, *, seq: int = 0) -> Version:
    seconds = (hour * 60 + minute) * 60 + second
    return Version(Rank.FULL, MIDNIGHT + seconds * 1_000_000, seq)


def poorer(version: Version) -> Version:
    return replace(version, rank=Rank.PARTIAL)


SHOP = Mention(external_id="655441491")
TILL = Mention(external_id="12")
CASHIER = Mention(external_id="799407056")
CAPPUCCINO = Mention(external_id="632910392", name="Cappuccino")
CROISSANT = Mention(external_id="632910393", name="Croissant")
JANE = CustomerLink(customer=Mention(external_id="207119551", name="Jane D"))
NOBODY = CustomerLink(customer=None)

# Two at 4.50 are 9.00; the happy hour takes off 1.00; 8 % of 8.00 are 0.64 on top.
TWO_CUPS = Line(
    key="866550311766439020",
    product=CAPPUCCINO,
    name="Cappuccino - Large",
    sku="CAP-L",
    quantity=D(2),
    unit_price=D("4.50"),
    gross=D("9.00"),
    discount=D("1.00"),
    total=D("8.00"),
    tax_code="other",
    tax_rate=D(8),
    tax_amount=D("0.64"),
    tax_included=False,
)
BUN = Line(
    key="866550311766439021",
    product=CROISSANT,
    name="Croissant",
    sku="CRO",
    quantity=D(1),
    unit_price=D("3.00"),
    gross=D("3.00"),
    discount=D("0.00"),
    total=D("3.00"),
    tax_code="other",
    tax_rate=D(8),
    tax_amount=D("0.24"),
    tax_included=False,
)
HEADER = Header(
    utc_offset=-240,
    currency="USD",
    location=SHOP,
    device=TILL,
    employee=CASHIER,
    tax_included=False,
    discount_total=D("0.00"),
    delivery_total=D("0.00"),
    tip_total=D("0.00"),
)
ONLINE = replace(HEADER, channel="online", location=None, device=None, employee=None)
# 9.00 + 3.00 = 12.00; less 1.00 is 11.00; with 0.64 + 0.24 = 0.88 of tax 11.88.
POS_HEADER = replace(
    HEADER,
    number="#1001",
    occurred_at=at(8, 8, 43),
    provider_at=at(8, 8, 44),
    gross_total=D("12.00"),
    discount_total=D("1.00"),
    tax_total=D("0.88"),
    total=D("11.88"),
    discounts=(Discount(kind="manual", name="Happy hour", amount=D("1.00")),),
)
POS_SALE = SaleDraft(
    external_id="5678901234567",
    version=clock(8, 8, 46),
    header=POS_HEADER,
    lines=(TWO_CUPS, BUN),
    customer=JANE,
)
CHANGED_SALE = replace(
    POS_SALE,
    version=clock(8, 10),
    header=replace(POS_HEADER, device=None, employee=None),
    customer=CustomerLink(customer=Mention(external_id="207119551", name="Jane Doe")),
)
# 12.00 − 1.20 (10 % of 9.00 and of 3.00) − 5.00 (the delivery, free) + 5.00 + 1.00 tip = 11.80.
# Taxes are inside: 8.10 × 20 / 120 = 1.35 and 2.70 × 20 / 120 = 0.45, together 1.80.
WEB_SALE = SaleDraft(
    external_id="5678901234568",
    version=clock(9, 0, 3),
    header=replace(
        ONLINE,
        number="#1002",
        occurred_at=at(9, 0),
        provider_at=at(9, 0),
        tax_included=True,
        gross_total=D("12.00"),
        discount_total=D("6.20"),
        delivery_total=D("5.00"),
        tip_total=D("1.00"),
        tax_total=D("1.80"),
        total=D("11.80"),
        discounts=(
            Discount(kind="coupon", name="WELCOME10", percent=D(10), amount=D("1.20")),
            Discount(kind="promo", name="Free delivery", percent=D(100), amount=D("5.00")),
        ),
    ),
    lines=(
        replace(
            TWO_CUPS,
            key="866550311766439030",
            discount=D("0.90"),
            total=D("8.10"),
            tax_code="20",
            tax_rate=D(20),
            tax_amount=D("1.35"),
            tax_included=True,
        ),
        replace(
            BUN,
            key="866550311766439031",
            discount=D("0.30"),
            total=D("2.70"),
            tax_code="20",
            tax_rate=D(20),
            tax_amount=D("0.45"),
            tax_included=True,
        ),
    ),
    customer=None,  # no access to customers' data: the field is missing, nothing is said
)
# 2 × 4.50 = 9.00 and 8 % of it 0.72; only authorized when it was cancelled.
VOIDED_SALE = SaleDraft(
    external_id="5678901234569",
    version=clock(11, 30, 1),
    header=replace(
        ONLINE,
        status="voided",
        number="#1003",
        occurred_at=at(11, 0),
        provider_at=at(11, 0),
        gross_total=D("9.00"),
        tax_total=D("0.72"),
        total=D("9.72"),
    ),
    lines=(
        replace(
            TWO_CUPS,
            key="866550311766439040",
            discount=D("0.00"),
            total=D("9.00"),
            tax_amount=D("0.72"),
        ),
    ),
    customer=NOBODY,
)
# Paid, then cancelled: the refund inside ends it, its header stays completed. 3.00 + 0.24 = 3.24.
PAID_BACK_SALE = SaleDraft(
    external_id="5678901234570",
    version=clock(11, 50, 1, seq=1),
    header=replace(
        HEADER,
        number="#1004",
        occurred_at=at(11, 40),
        provider_at=at(11, 40),
        gross_total=D("3.00"),
        tax_total=D("0.24"),
        total=D("3.24"),
    ),
    lines=(replace(BUN, key="866550311766439050"),),
    customer=NOBODY,
)
TEST_SALE = SaleDraft(
    external_id="5678901234571",
    version=clock(12, 0, 1),
    header=replace(
        ONLINE,
        channel="other",
        status="open",
        is_test=True,
        number="#1005",
        occurred_at=at(12, 0),
        provider_at=at(12, 0),
        gross_total=D("3.00"),
        tax_total=D("0.00"),
        total=D("3.00"),
    ),
    lines=(
        replace(
            BUN,
            key="866550311766439060",
            tax_code="none",
            tax_rate=None,
            tax_amount=D("0.00"),
        ),
    ),
    customer=NOBODY,
)
GONE_SALE = SaleDraft(
    external_id="5678901234569",
    version=Version(Rank.FULL, RECEIVED, 0, OrderedBy.RECEIPT),
    gone=True,
)

VISA = Payment(
    method="card",
    amount=D("11.88"),
    currency="USD",
    provider_method="shopify_payments",
    last4="4242",
    location=SHOP,
    device=TILL,
    employee=CASHIER,
)
ONLINE_VISA = replace(VISA, location=None, device=None, employee=None)
CASH = replace(VISA, method="cash", provider_method="cash", last4=None, amount=D("3.24"))

# The croissant: 3.00 and its tax of 0.24.
BUN_BACK = RefundLine(
    sale_line_key="866550311766439021",
    product=CROISSANT,
    name="Croissant",
    quantity=D(1),
    total=D("3.00"),
    tax=D("0.24"),
    restocked=True,
)
REFUND_OF_BUN = RefundDraft(
    external_id="890088186047892001",
    version=clock(8, 20, 31, seq=1),
    content=Refund(
        total=D("3.24"),
        currency="USD",
        occurred_at=at(8, 20, 30),
        provider_at=at(8, 20, 31),
        sale_external_id="5678901234567",
        tax_total=D("0.24"),
        lines=(BUN_BACK,),
        payments=(
            replace(VISA, amount=D("3.24"), external_id="6543210987603", paid_at=at(8, 20, 30)),
        ),
        location=SHOP,
        device=TILL,
        employee=CASHIER,
        reason="stale",
    ),
)
# 8.10 + 2.70 + the tip of 1.00 = 11.80 dollars of the shop (10.62 euros of the customer);
# 1.35 + 0.45 = 1.80 of tax inside.
REFUND_OF_ALL = RefundDraft(
    external_id="890088186047892002",
    version=clock(10, 0, seq=1),
    content=Refund(
        total=D("11.80"),
        currency="USD",
        occurred_at=at(10, 0),
        provider_at=at(10, 0),
        sale_external_id="5678901234568",
        tax_total=D("1.80"),
        lines=(
            RefundLine(
                sale_line_key="866550311766439030",
                quantity=D(2),
                total=D("8.10"),
                tax=D("1.35"),
                restocked=False,
            ),
            RefundLine(
                sale_line_key="866550311766439031",
                quantity=D(1),
                total=D("2.70"),
                tax=D("0.45"),
                restocked=False,
            ),
            RefundLine(name="Refund discrepancy", total=D("1.00"), tax=D("0.00")),
        ),
        payments=(
            replace(
                ONLINE_VISA,
                amount=D("11.80"),
                external_id="6543210987605",
                last4=None,
                paid_at=at(10, 0),
            ),
        ),
        employee=CASHIER,
    ),
)
REFUND_OF_NO_SALE = RefundDraft(
    external_id="890088186047892003",
    version=clock(10, 30, seq=1),
    content=Refund(
        total=D("3.24"),
        currency="USD",
        occurred_at=at(10, 30),
        provider_at=at(10, 30),
        sale_external_id="5678901299999",
        tax_total=D("0.24"),
        lines=(replace(BUN_BACK, sale_line_key="866550311766439099", product=None, name=None),),
        payments=(replace(CASH, external_id="6543210987606", paid_at=at(10, 30)),),
        location=SHOP,
        device=TILL,
    ),
)
PLAIN_REFUND = Refund(
    total=D("3.24"),
    currency="USD",
    occurred_at=at(10, 40),
    provider_at=at(10, 40),
    sale_external_id="5678901234567",
    tax_total=D("0.00"),
    location=SHOP,
    device=TILL,
)


def sent_back(tail: str, amount: str, status: str) -> Payment:
    return replace(
        VISA,
        last4=None,
        amount=D(amount),
        status=status,
        external_id=f"65432109876{tail}",
        paid_at=at(10, 40),
    )


# 2.00 came back, 1.24 is on its way, 5.00 failed and counts nowhere: 3.24. Two are decided.
REFUND_ON_ITS_WAY = RefundDraft(
    external_id="890088186047892004",
    version=clock(10, 40, seq=2),
    content=replace(
        PLAIN_REFUND,
        status="pending",
        payments=(
            sent_back("07", "2.00", "completed"),
            sent_back("08", "1.24", "pending"),
            sent_back("09", "5.00", "failed"),
        ),
    ),
)
REFUND_FAILED = RefundDraft(
    external_id="890088186047892005",
    version=clock(10, 40, seq=1),
    content=replace(PLAIN_REFUND, status="failed", payments=(sent_back("10", "3.24", "failed"),)),
)
# A line edited away before anything was paid for it: no transaction, so neither money nor tax
# came back.
REFUND_OF_NOTHING = RefundDraft(
    external_id="890088186047892006",
    version=clock(10, 40),
    content=replace(
        PLAIN_REFUND,
        total=D("0.00"),
        lines=(replace(BUN_BACK, product=None, name=None, restocked=False),),
        location=None,
        device=None,
    ),
)
REFUND_BY_CANCELLING = RefundDraft(
    external_id="890088186047892007",
    version=poorer(clock(11, 50, seq=1)),
    content=Refund(
        total=D("3.24"),
        currency="USD",
        occurred_at=at(11, 50),
        provider_at=at(11, 50),
        sale_external_id="5678901234570",
        tax_total=D("0.24"),
        lines=(replace(BUN_BACK, sale_line_key="866550311766439050", product=None, name=None),),
        payments=(replace(CASH, external_id="6543210987612", paid_at=at(11, 50)),),
        location=SHOP,
        device=TILL,
        employee=CASHIER,
    ),
)


def payment(sale: str, version: Version, content: Payment) -> PaymentDraft:
    return PaymentDraft(
        external_id=content.external_id or "",
        version=version,
        sale_external_id=sale,
        content=content,
    )


CARD_PAYMENT = payment(
    "5678901234567",
    clock(8, 8, 45),
    replace(VISA, external_id="6543210987601", paid_at=at(8, 8, 45)),
)
CASH_PAYMENT = payment(
    "5678901234570",
    clock(11, 40),
    replace(CASH, external_id="6543210987611", paid_at=at(11, 40)),
)
AUTHORIZED = replace(ONLINE_VISA, status="approved", amount=D("9.72"), external_id="6543210987620")
CAPTURED = replace(ONLINE_VISA, amount=D("11.80"), external_id="6543210987604", paid_at=at(9, 0, 2))
DECLINED = replace(ONLINE_VISA, status="failed", amount=D("11.80"), external_id="6543210987623")

# 10 % off everything: 300 − 30 = 270 and 120 − 12 = 108, together 378 of 420; 200 in cash and 178
# by card. The croissant came back for 108.
SAME_ID = "5678901234599"
SAME_CUPS = replace(
    TWO_CUPS,
    key="866550311766439060",
    product=replace(CAPPUCCINO, name="Кофе"),
    name="Кофе",
    unit_price=D(150),
    gross=D("300.00"),
    discount=D("30.00"),
    total=D("270.00"),
    tax_code="none",
    tax_rate=None,
    tax_amount=D("0.00"),
    tax_included=True,
)
SAME_BUN = replace(
    SAME_CUPS,
    key="866550311766439061",
    product=replace(CROISSANT, name="Круассан"),
    name="Круассан",
    sku="CRO",
    quantity=D(1),
    unit_price=D(120),
    gross=D("120.00"),
    discount=D("12.00"),
    total=D("108.00"),
)
SAME_SALE = SaleDraft(
    external_id=SAME_ID,
    version=clock(5, 0, 4),
    header=replace(
        HEADER,
        number="#1100",
        occurred_at=at(5, 0),
        provider_at=at(5, 0, 1),
        currency="RUB",
        tax_included=True,
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        tax_total=D("0.00"),
        total=D("378.00"),
        discounts=(Discount(kind="manual", name="Скидка 10 %", percent=D(10), amount=D("42.00")),),
    ),
    lines=(SAME_CUPS, SAME_BUN),
    customer=NOBODY,
)
SAME_CASH = replace(
    CASH, amount=D("200.00"), currency="RUB", external_id="6543210987691", paid_at=at(5, 0, 1)
)
SAME_CARD = replace(
    VISA, amount=D("178.00"), currency="RUB", external_id="6543210987692", paid_at=at(5, 0, 1)
)
SAME_BACK = RefundDraft(
    external_id="890088186047892099",
    version=clock(5, 30, 1, seq=1),
    content=Refund(
        total=D("108.00"),
        currency="RUB",
        occurred_at=at(5, 30),
        provider_at=at(5, 30, 1),
        sale_external_id=SAME_ID,
        tax_total=D("0.00"),
        lines=(
            RefundLine(
                sale_line_key="866550311766439061",
                product=replace(CROISSANT, name="Круассан"),
                name="Круассан",
                quantity=D(1),
                total=D("108.00"),
                tax=D("0.00"),
                restocked=True,
            ),
        ),
        payments=(
            replace(
                CASH,
                amount=D("108.00"),
                currency="RUB",
                external_id="6543210987693",
                paid_at=at(5, 30),
            ),
        ),
        location=SHOP,
        device=TILL,
        employee=CASHIER,
    ),
)


Told = TypeVar("Told", SaleDraft, PaymentDraft)


def read(draft: Told, seq: int = 0) -> Told:
    """Return what an answer states: the same, and whoever asks later knows better."""
    version = replace(draft.version, seq=samples.SENT + seq)
    return replace(draft, version=version)


AUTHORIZATION = payment("5678901234569", clock(11, 0), AUTHORIZED)
VOID = payment("5678901234569", clock(11, 30), replace(AUTHORIZED, status="cancelled"))
CAPTURE = payment("5678901234568", clock(9, 0, 2), CAPTURED)
DECLINE = payment("5678901234568", clock(8, 59, 50), DECLINED)
ANSWERS: dict[str, Case] = {
    # Made on 1 July, 75 days before it was listed: it may be out of reach when it is read.
    "order.listed__page": [
        Read("order", "5678901234567", clock=clock(8, 20, 32).clock),
        Read("old_order", "5678901230001", clock=clock(9, 0, 3).clock),
    ],
    "order.listed__nothing": IGNORED,
    # The transaction of kind refund is no payment; the refund stands alone as in its own event.
    "order.read__refund_inside": [
        read(replace(POS_SALE, version=clock(8, 20, 32))),
        replace(REFUND_OF_BUN, version=poorer(REFUND_OF_BUN.version)),
        read(CARD_PAYMENT),
        REFUND_OF_BUN,
    ],
    # A change is given back in cash, which is unsupported as an event of its own, and skipped here.
    "order.read__voided": [read(VOIDED_SALE), read(AUTHORIZATION), read(VOID, seq=1)],
    "order.read__transactions_gone": [read(CHANGED_SALE)],
    "order.read__price_in_words": Unrecognised("answers[0].order.line_items[0].price"),
    "old_order.read__web": [read(WEB_SALE), read(DECLINE), read(CAPTURE)],
    # The answer is dated 17:59:58, and ends with that second.
    "order.missing__gone": [
        SaleDraft(
            external_id="5678901234569",
            version=Version(Rank.FULL, samples.SENT + 999_999, samples.SENT, OrderedBy.READ),
            gone=True,
        )
    ],
    "old_order.missing__out_of_reach": IGNORED,
}
CASES: dict[str, Case] = {
    "orders_create__same_sale": [SAME_SALE],
    "order_transactions_create__same_sale": [payment(SAME_ID, clock(5, 0, 1), SAME_CASH)],
    "order_transactions_create__same_sale_card": [payment(SAME_ID, clock(5, 0, 1), SAME_CARD)],
    "refunds_create__same_sale": [SAME_BACK],
    "orders_create__pos": [POS_SALE],
    "orders_create__test": [TEST_SALE],
    "orders_create__no_topic": Unrecognised("headers.x-shopify-topic"),
    "orders_create__unrecognised": Unrecognised("line_items[1].price"),
    "orders_updated__changed": [CHANGED_SALE],
    "orders_updated__refund_inside": [
        replace(POS_SALE, version=clock(8, 20, 32, seq=1)),
        replace(REFUND_OF_BUN, version=poorer(REFUND_OF_BUN.version)),
    ],
    "orders_paid__web_delivery_tip": [WEB_SALE],
    "orders_cancelled__voided": [VOIDED_SALE],
    "orders_cancelled__paid": [PAID_BACK_SALE, REFUND_BY_CANCELLING],
    "orders_delete__gone": [GONE_SALE],
    "orders_edited__ignored": IGNORED,
    "refunds_create__croissant": [REFUND_OF_BUN],
    "refunds_create__full": [REFUND_OF_ALL],
    "refunds_create__without_sale": [REFUND_OF_NO_SALE],
    "refunds_create__pending": [REFUND_ON_ITS_WAY],
    "refunds_create__failed": [REFUND_FAILED],
    "refunds_create__edited_away": [REFUND_OF_NOTHING],
    "order_transactions_create__card": [CARD_PAYMENT],
    "order_transactions_create__cash": [CASH_PAYMENT],
    "order_transactions_create__authorization": [
        payment("5678901234569", clock(11, 0), AUTHORIZED)
    ],
    # The void ends the authorization, half an hour later.
    "order_transactions_create__void": [
        payment("5678901234569", clock(11, 30, seq=1), replace(AUTHORIZED, status="cancelled"))
    ],
    "order_transactions_create__capture": [payment("5678901234568", clock(9, 0, 2), CAPTURED)],
    "order_transactions_create__declined": [payment("5678901234568", clock(8, 59, 50), DECLINED)],
    "order_transactions_create__refund": IGNORED,
    "order_transactions_create__change": UNSUPPORTED,
    "app_uninstalled__ignored": IGNORED,
    **REFERENCES,
    **ANSWERS,
}
SAMPLES = samples.load("shopify")
RECORDED = samples.load_answers("shopify")


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() | CASES.keys() - ANSWERS.keys()))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted(RECORDED.keys() | ANSWERS.keys()))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, RECORDED[name]) == ANSWERS[name]


# The order changed at 12:20:32 by Greenwich. What was asked for within that second may not know of
# a second refund in it: then the refunds count, as in a webhook. Both clocks have to be past it.
SECOND = 1_000_000
CHANGED_AT = clock(8, 20, 32).clock


@pytest.mark.parametrize(
    ("sent", "date", "seq"),
    [
        (CHANGED_AT + 400_000, None, 1),
        (CHANGED_AT + 400_000, CHANGED_AT, 1),
        (CHANGED_AT + 3 * SECOND, CHANGED_AT, 1),
        (CHANGED_AT + 999_999, CHANGED_AT + SECOND, 1),
        (CHANGED_AT + SECOND, CHANGED_AT + SECOND, CHANGED_AT + SECOND),
        (CHANGED_AT + SECOND, None, CHANGED_AT + SECOND),
    ],
)
def test_an_answer_is_the_last_word_on_a_second_that_is_over(
    sent: int, date: int | None, seq: int
) -> None:
    payload = parse_json(RECORDED["order.read__refund_inside"])
    context = replace(context_of(PROVIDER), answered=Answered(sent, date))

    sale, *_ = PROVIDER.normalisers["order.read"](Event("", "order.read", payload), context) or ()

    assert isinstance(sale, SaleDraft)
    assert sale.version == clock(8, 20, 32, seq=seq)


def test_an_answer_older_than_what_is_known_counts_as_of_that_when_it_comes_through() -> None:
    over = clock(8, 30).clock

    found = outcome_of_answer(PROVIDER, RECORDED["order.read__refund_inside"], over=over)

    assert isinstance(found, list)
    sale, _, paid, _ = found
    assert isinstance(sale, SaleDraft)
    assert isinstance(paid, PaymentDraft)
    # The clock that is known is the order's: a payment keeps its own.
    assert sale.version == clock(8, 30, seq=samples.SENT)
    assert paid.version == clock(8, 8, 45, seq=samples.SENT)


@pytest.mark.parametrize("name", sorted(name for name in CASES if name.startswith("orders_")))
def test_every_recorded_order_satisfies_the_money_identity(name: str) -> None:
    case = CASES[name]
    sales = [one for one in case if isinstance(one, SaleDraft)] if isinstance(case, list) else []

    for header in (sale.header for sale in sales if sale.header is not None):
        added = (header.gross_total or 0) - (header.discount_total or 0)
        added += (header.delivery_total or 0) + (header.tip_total or 0)
        added += 0 if header.tax_included else header.tax_total or 0
        assert header.total == added


def test_one_event_id_in_two_topics_is_two_events() -> None:
    order = split(samples.signed(SAMPLES["orders_create__pos"], PROVIDER))
    paid = split(samples.signed(SAMPLES["order_transactions_create__card"], PROVIDER))

    name = "98880550-7158-44d4-b7cd-2c97c8a091b5"
    assert [event.key for event in order + paid] == [
        f"orders/create:{name}",
        f"order_transactions/create:{name}",
    ]
    assert {event.merchant for event in order + paid} == {"demo.myshopify.com"}


def test_without_an_event_id_the_body_is_the_key() -> None:
    sample = SAMPLES["orders_create__test"]
    (event,) = split(samples.signed(sample, PROVIDER))
    (same,) = split(samples.signed(sample, PROVIDER))
    (other,) = split(samples.signed(replace(sample, body=sample.body + b" "), PROVIDER))

    assert event.key == same.key != other.key


@pytest.mark.parametrize("topic", ["", "orders", "orders/create\n", "ORDERS/CREATE", "a" * 99])
def test_a_topic_of_another_form_is_named(topic: str) -> None:
    with pytest.raises(PayloadUnrecognised) as caught:
        split(Delivery("POST", "", "", {"x-shopify-topic": topic}, b"{}", ""))

    assert caught.value.path == "headers.x-shopify-topic"


def test_a_refund_in_two_currencies_is_refused() -> None:
    sample = SAMPLES["refunds_create__pending"]
    body = sample.body.replace(b'"currency": "USD"', b'"currency": "EUR"', 1)

    found = outcome(PROVIDER, replace(sample, body=body))

    assert found == Unrecognised("transactions[1]")


def test_several_taxes_of_a_line_are_one_of_their_sum() -> None:
    sample = SAMPLES["orders_create__pos"]
    tax = b'"rate": 0.08,\n          "price": "0.24"'
    city = b'"rate": 0.01625, "price": "0.05"}, {"rate": 0.08, "price": "0.24"'
    (event,) = split(
        samples.signed(replace(sample, body=sample.body.replace(tax, city, 1)), PROVIDER)
    )

    (sale,) = PROVIDER.normalisers[event.type](event, context_of(PROVIDER)) or ()

    assert isinstance(sale, SaleDraft)
    assert sale.lines is not None
    bun = sale.lines[1]
    assert (bun.tax_code, bun.tax_rate, bun.tax_amount) == ("other", D("9.625"), D("0.29"))


# A published value (a third party's test suite) and two ways to spoil it.
@pytest.mark.parametrize(
    ("body", "signature", "valid"),
    [
        (b"{}", "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM=", True),
        (b"{ }", "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM=", False),
        (b"{}", "77325902caca812dc259733aacd046b73817372c777b8d95b402647474516e13", False),
    ],
)
def test_the_signature_is_base64_over_the_raw_body(
    body: bytes, signature: str, valid: bool
) -> None:
    delivery = Delivery("POST", "", "", {"x-shopify-hmac-sha256": signature}, body, "")
    try:
        PROVIDER.scheme.verify(delivery, [Secret("secret")], 0)
    except SignatureInvalid:
        assert not valid
    else:
        assert valid
