"""The till and the stock programme of one shop tell of one receipt: the turnover counts it once.

Evotor and МойСклад are the commonest pair. Both have the sale of ``test_same_sale.py`` recorded
with the same ФН and ФД: 378.00 sold, 108.00 of it given back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal as D
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Sum

from accounts.models import Account, Source
from accounts.rls import scoped
from sales import selectors, totals
from sales.drafts import Fiscal, Money, RefundDraft, SaleDraft
from sales.drafts import Refund as RefundContent
from sales.models import Refund, Sale
from sales.recording import Stated, record
from tests.test_same_sale import told
from tests.told import V2, header, refund, sale
from tests.universe import NOON

pytestmark = pytest.mark.django_db

Reading = Callable[[tuple[Fiscal, ...]], tuple[Fiscal, ...]]
#: Sums of sales that count, and of the refunds of these: turnover and what came back of it.
ONCE, TWICE = (D("378.00"), D("108.00"), D("270.00")), (D("756.00"), D("216.00"), D("540.00"))


def _as_told(receipts: tuple[Fiscal, ...]) -> tuple[Fiscal, ...]:
    return receipts


def _with(**changes: Any) -> Reading:
    return lambda receipts: tuple(replace(one, **changes) for one in receipts)


@dataclass(frozen=True, slots=True)
class Row:
    """What the stock programme knows of the receipt, how its source is set, and what counts."""

    sums: tuple[D, D, D]
    counting: frozenset[str]
    receipts: Reading = _as_told
    columns: Mapping[str, Any] | None = None
    account: str = "cafe"


TILL, STOCK = frozenset({"evotor"}), frozenset({"moysklad"})
TABLE: Mapping[str, Row] = {
    "the source of the higher priority counts": Row(ONCE, TILL),
    "whichever it is": Row(ONCE, STOCK, columns={"priority": 20}),
    "a receipt with another sign of the same number is the same": Row(
        ONCE, TILL, receipts=_with(fp=None, kkt_reg=None)
    ),
    "a document of several receipts is a mirror by any of them": Row(
        ONCE, TILL, receipts=lambda told: (Fiscal(fn=told[0].fn, fd="1999"), *told)
    ),
    # Without fiscal data a mirror is never assumed: two coffees may be sold twice a day.
    "no receipt was printed yet": Row(TWICE, TILL | STOCK, receipts=lambda _: ()),
    "the number of the receipt is not known": Row(TWICE, TILL | STOCK, receipts=_with(fd=None)),
    "the drive is not known": Row(TWICE, TILL | STOCK, receipts=_with(fn=None)),
    "two numbers are two receipts": Row(TWICE, TILL | STOCK, receipts=_with(fd="2002")),
    "two drives are two receipts": Row(TWICE, TILL | STOCK, receipts=_with(fn="92820002")),
    "another account's receipt is none of ours": Row(TWICE, TILL | STOCK, account="bar"),
    "a test is no mirror": Row(ONCE, TILL, columns={"is_test": True, "priority": 20}),
}


def make(slug: str, provider: str, **columns: Any) -> Source:
    account, _ = Account.objects.get_or_create(slug=slug)
    with scoped([account.pk]):
        return Source.objects.create(account=account, provider=provider, **columns)


def of(source: Source, receipts: Reading = _as_told) -> list[Stated]:
    """Return what a source's provider tells, with the receipts of its sale as they are known."""
    stated = [
        replace(one, account_id=source.account_id, source_id=source.pk)
        for one in told(source.provider)
    ]
    return [
        replace(one, draft=_changed(one.draft, receipts))
        if isinstance(one.draft, SaleDraft)
        else one
        for one in stated
    ]


def _changed(draft: SaleDraft, receipts: Reading) -> SaleDraft:
    if draft.header is None:
        return draft
    return replace(draft, header=replace(draft.header, fiscal=receipts(draft.header.fiscal)))


def turnover(accounts: set[int]) -> tuple[tuple[Any, ...], frozenset[str]]:
    """Return the sums of what counts, and who tells of it."""
    with scoped(accounts):
        sales = Sale.objects.filter(account__in=accounts, counts=True)
        refunds = Refund.objects.filter(sale_id__in=sales.values("id"), visible=True)
        sums = sales.aggregate(total=Sum("total"), net=Sum("net_total"))
        back = refunds.aggregate(back=Sum("total"))["back"]
        return (sums["total"], back, sums["net"]), frozenset(
            sales.values_list("source__provider", flat=True)
        )


def tell(*batches: list[Stated]) -> None:
    for batch in batches:
        with scoped({one.account_id for one in batch}):
            record(batch)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_one_receipt_counts_once_in_whatever_order_it_is_told(name: str) -> None:
    row = TABLE[name]
    for number, order in enumerate(permutations(("evotor", "moysklad"))):
        slugs = {"evotor": f"cafe-{number}", "moysklad": f"{row.account}-{number}"}
        till = make(slugs["evotor"], "evotor", priority=10)
        stock = make(slugs["moysklad"], "moysklad", **(row.columns or {}))
        says = {"evotor": of(till), "moysklad": of(stock, row.receipts)}

        tell(*(says[slug] for slug in order))

        assert turnover({till.account_id, stock.account_id}) == (row.sums, row.counting), order


def test_told_in_one_batch_and_returned_first_it_counts_once_as_well() -> None:
    till, stock = make("cafe", "evotor", priority=10), make("cafe", "moysklad")
    both = [*of(till), *of(stock)]
    back = [one for one in both if not isinstance(one.draft, SaleDraft)]

    tell(back, both)

    assert turnover({till.account_id}) == (ONCE, TILL)
    with scoped([till.account_id]):
        mirror = Sale.objects.get(counts=False)
        assert mirror.source_id == stock.pk
        assert mirror.mirror_of == Sale.objects.get(counts=True).pk
        assert mirror.visible
        # Each source's own refund stays with its own sale.
        pairs = set(Refund.objects.values_list("source_id", "sale__source_id"))
    assert pairs == {(till.pk, till.pk), (stock.pk, stock.pk)}


def test_the_receipt_that_is_told_late_makes_a_mirror_of_what_counted() -> None:
    till, stock = make("cafe", "evotor", priority=10), make("cafe", "moysklad")
    bare = of(stock, lambda _: ())

    tell(of(till), bare)
    before = turnover({till.account_id})
    tell([_later(one) for one in of(stock) if isinstance(one.draft, SaleDraft)])

    assert before == (TWICE, TILL | STOCK)
    assert turnover({till.account_id}) == (ONCE, TILL)


def _later(stated: Stated) -> Stated:
    assert isinstance(stated.draft, SaleDraft)
    version = stated.draft.version
    later = replace(version, clock=version.clock + 1)
    return replace(stated, draft=replace(stated.draft, version=later))


def _lone(source: Source, total: str = "108.00", **fiscal: Any) -> list[Stated]:
    """A receipt of a return without its sale, as a source tells it."""
    receipt = Fiscal(**{"fn": "92820001", "fd": "2001", **fiscal})
    draft = refund(total, f"r-{source.provider}", fiscal=(receipt,))
    return [Stated(draft, source.account_id, source.pk, UUID(int=7), NOON, 1)]


def given_back(accounts: set[int]) -> tuple[Any, frozenset[str]]:
    """Return the sum of the refunds that count, and who tells of them."""
    with scoped(accounts):
        rows = selectors.refunds(accounts).filter(**{"counts": True})
        return rows.aggregate(back=Sum("total"))["back"], frozenset(
            rows.values_list("source__provider", flat=True)
        )


@pytest.mark.parametrize(
    ("fiscal", "back"),
    [({}, D("108.00")), ({"fd": "2002"}, D("216.00")), ({"fn": None}, D("216.00"))],
)
def test_a_refund_without_its_sale_counts_once_in_whatever_order_it_is_told(
    fiscal: dict[str, Any], back: D
) -> None:
    for number, order in enumerate(permutations(("evotor", "moysklad"))):
        till = make(f"cafe-{number}", "evotor", priority=10)
        stock = make(f"cafe-{number}", "moysklad")
        says = {"evotor": _lone(till), "moysklad": _lone(stock, **fiscal)}

        tell(*(says[slug] for slug in order))

        telling = TILL if back == D("108.00") else TILL | STOCK
        assert given_back({till.account_id}) == (back, telling), order


def test_a_refund_goes_with_its_sale_and_one_receipt_counts_once() -> None:
    till, stock = make("cafe", "evotor", priority=10), make("cafe", "moysklad")

    tell(of(till), of(stock))

    assert given_back({till.account_id}) == (D("108.00"), TILL)


def test_the_other_refund_counts_when_the_first_turns_out_to_have_failed() -> None:
    till, stock = make("cafe", "evotor", priority=10), make("cafe", "moysklad")
    tell(_lone(till), _lone(stock))
    (one,) = _lone(till)
    assert isinstance(one.draft, RefundDraft)
    assert one.draft.content is not None
    content = replace(one.draft.content, status="failed")

    tell([replace(one, draft=replace(one.draft, version=V2, content=content))])

    assert given_back({till.account_id}) == (D("108.00"), STOCK)
    with scoped([till.account_id]):
        assert Refund.objects.get(source=stock).mirror_of is None


def test_a_priority_that_changes_changes_which_refund_counts() -> None:
    till, stock = make("cafe", "evotor", priority=10), make("cafe", "moysklad")
    tell(_lone(till), _lone(stock))

    with scoped([till.account_id]):
        Source.objects.filter(pk=stock.pk).update(priority=20)
        totals.redate_source(stock.pk)

    assert given_back({till.account_id}) == (D("108.00"), STOCK)


def test_refunds_inside_sales_are_mirrors_as_well() -> None:
    till, stock = make("cafe", "evotor", priority=10), make("cafe", "moysklad")
    receipt = Fiscal(fn="92820001", fd="2001")
    inside = RefundContent(total=D("108.00"), currency="RUB", fiscal=(receipt,))
    draft = sale(header=header(), money=Money(refunds=(inside,)))

    tell([Stated(draft, stock.account_id, stock.pk, UUID(int=8), NOON, 1)], _lone(till))

    assert given_back({till.account_id}) == (D("108.00"), TILL)
