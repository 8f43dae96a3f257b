"""What cannot be read of a page of a list holds up nothing else of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from sales.drafts import Header, Rank, SaleDraft, Version

from . import pages
from .contract import Context, Event, PayloadUnrecognised, Statement
from .reading import Reader

CONTEXT = Context(received=0, currency="RUB", timezone="UTC")


def _sale(one: Reader) -> SaleDraft:
    total = one["total"].amount("RUB")
    return SaleDraft(
        external_id=one["id"].id(),
        version=Version(Rank.FULL, 1),
        header=Header(currency="RUB", total=total),
    )


def _nested(event: Event, context: Context, /) -> Sequence[Statement]:
    (page,) = Reader(event.payload)["answers"]
    return [_sale(one) for one in page["data"]["sales"]]


def _bare(event: Event, context: Context, /) -> Sequence[Statement]:
    (page,) = Reader(event.payload)["answers"]
    return [_sale(one) for one in page]


def page(answer: Any) -> Event:
    return Event("k", "sale.listed", {"kind": "sale", "answers": [answer]})


def items(*totals: str) -> list[dict[str, str]]:
    return [{"id": f"s{n}", "total": total} for n, total in enumerate(totals)]


def names(stated: Sequence[Statement] | None) -> list[str]:
    return [one.external_id for one in stated or () if isinstance(one, SaleDraft)]


def test_a_page_that_can_be_read_lacks_nothing() -> None:
    stated, lacking = pages.state(_bare, page(items("1.00", "2.00")), CONTEXT)

    assert (names(stated), lacking) == (["s0", "s1"], None)


def test_items_that_cannot_be_read_are_told_of_and_the_others_are_stated() -> None:
    event = page({"data": {"sales": items("1.00", "much", "3.00", "little", "5.00")}})
    before = repr(event)

    stated, lacking = pages.state(_nested, event, CONTEXT)

    assert names(stated) == ["s0", "s2", "s4"]
    assert lacking is not None
    assert lacking.path == "answers[0].data.sales[1].total"
    assert lacking.reason.endswith("(и ещё / and more: 1)")
    assert repr(event) == before


def _grouped(event: Event, context: Context, /) -> Sequence[Statement]:
    (page,) = Reader(event.payload)["answers"]
    return [_sale(one) for shop in page["shops"] for one in shop["sales"]]


def test_items_may_stand_below_other_lists() -> None:
    event = page({"shops": [{"sales": items("1.00", "much")}, {"sales": items("little", "4.00")}]})

    stated, lacking = pages.state(_grouped, event, CONTEXT, nested=1)

    assert names(stated) == ["s0", "s1"]
    assert lacking is not None
    assert lacking.path == "answers[0].shops[0].sales[1].total"
    with pytest.raises(PayloadUnrecognised):  # of a group alone nothing is left
        pages.state(_grouped, page({"shops": [{"sales": items("much")}]}), CONTEXT, nested=1)


def test_the_whole_page_waits_where_it_is_no_item_that_is_wrong() -> None:
    answers: list[Any] = [{"data": {}}, {"data": {"sales": 7}}, 7]
    for answer in answers:
        with pytest.raises(PayloadUnrecognised):
            pages.state(_nested, page(answer), CONTEXT)


def test_the_whole_page_waits_where_no_item_or_hardly_one_can_be_read() -> None:
    for totals in (["much"], ["much", "little"], ["much"] * 30 + ["1.00"]):
        with pytest.raises(PayloadUnrecognised) as caught:
            pages.state(_bare, page(items(*totals)), CONTEXT)
        assert caught.value.path == "answers[0][0].total"
