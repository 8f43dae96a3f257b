"""What YClients writes in ours: links, times, sums, and as of when an object is as it says."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations import sums
from integrations.clocks import version, version_of_answer
from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import CustomerLink, Mention, Rank, Version

_SECOND = timedelta(seconds=1)
#: What PHP writes for nobody and nothing.
_NOBODY: tuple[Any, ...] = ([], "", 0, "0")


def time(reader: Reader, context: Context) -> datetime | None:
    """Return a time; one without an offset is of the company's zone, an empty one none."""
    return None if reader.value == "" else reader.time(context.timezone)


def as_of(data: Reader, context: Context, *, gone: bool = False) -> Version:
    """Return the version of an object by its ``last_change_date``, a whole second, then by when
    we received or asked for it: nothing is ever sent twice. What is gone is so to the end of it."""
    changed = data.maybe("last_change_date", time, context)
    if context.answered is not None:
        return version_of_answer(changed, context)
    unit = _SECOND if gone else None
    return version(Rank.FULL, changed, context, seq=context.received, round_up=unit)


def poorer(stamp: Version) -> Version:
    """Return the version of a view that lacks what an event would tell."""
    return replace(stamp, rank=Rank.PARTIAL)


def number(parent: Reader, key: str) -> str | None:
    """Return the number of an entity, None where it is missing, empty or 0."""
    found = parent.get(key)
    return None if found is None or found.value in _NOBODY else found.number()


def mention(parent: Reader, *keys: str) -> Mention | None:
    """Return the entity under the first of these keys that is there: ``[]`` and id 0 are none."""
    found = next((one for key in keys if (one := parent.get(key)) is not None), None)
    if found is None or found.value in _NOBODY:
        return None
    name = number(found, "id")
    if name is None:
        return None
    label = found.maybe("title", Reader.label) or found.maybe("name", Reader.label)
    return Mention(external_id=name, name=label)


def customer(parent: Reader, *keys: str) -> CustomerLink | None:
    """Return the link; an object without any of the keys states nothing of it."""
    if not any(key in parent.value for key in keys):
        return None
    return CustomerLink(customer=mention(parent, *keys))


def location(company: str | None, context: Context) -> Mention | None:
    """Return the company, which is one place, else the place that the source is set to."""
    name = company or context.location
    return Mention(external_id=name) if name else None


def flag(reader: Reader) -> bool:
    """Return yes or no, written as true, 1 or "1"."""
    for answer, spellings in ((True, (True, "1")), (False, (False, "0"))):
        if reader.value in spellings:  # 1 equals true
            return answer
    raise reader.refuse("neither 0 nor 1")


def offset(moment: datetime) -> int:
    """Return minutes east of UTC."""
    return (moment.utcoffset() or timedelta()) // timedelta(minutes=1)


def priced(
    place: Reader, *, quantity: Decimal | None, price: Decimal | None, total: Decimal | None,
    currency: str, stated: Decimal | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return price, gross, discount and total of a line.

    ``stated`` is its price before discounts, where the object says one; else quantity × price.
    A price that was raised is no negative discount: it is the price.
    """
    exact = None
    if quantity is not None and price is not None:
        exact = sums.times(place, quantity, price, currency)
    gross = exact if stated is None else stated
    if gross is not None and total is not None and total > gross:
        gross = total
    return {
        "quantity": quantity,
        "unit_price": price if gross is not None and gross == exact else None,
        "gross": gross,
        "discount": None if gross is None or total is None else gross - total,
        "total": total,
    }
