"""What the answers of Clover share: lists, links, money and times."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from integrations.reading import Reader
from sales.drafts import Mention


def elements(holder: Reader, key: str) -> Iterator[Reader]:
    """Go over a list: ``{"elements": […]}``, absent where there is nothing."""
    found = holder.get(key)
    return iter(()) if found is None else found.items("elements")


def link(holder: Reader, key: str) -> Mention | None:
    """Return the entity that is named by its id alone."""
    found = holder.get(key)
    return None if found is None else Mention(external_id=found["id"].id())


def amount(reader: Reader, currency: str) -> Decimal:
    """Return an amount of minor units that is zero or more."""
    found = reader.minor(currency)
    if found < 0:
        raise reader.refuse("a negative amount")
    return found


def money(holder: Reader, key: str, currency: str) -> Decimal | None:
    """Return an amount that need not be there."""
    return holder.maybe(key, amount, currency)


def changed_at(entity: Reader) -> datetime:
    """Return when an object last changed, on the server's clock."""
    found = entity.get("modifiedTime")
    return (entity["createdTime"] if found is None else found).millis()


def rung_at(entity: Reader) -> datetime:
    """Return when something was done at the till, else when the server heard of it."""
    found = entity.get("clientCreatedTime")
    return (entity["createdTime"] if found is None else found).millis()
