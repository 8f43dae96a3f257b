"""What the payloads of Square share: money, links, names and times."""

from decimal import Decimal

from integrations.contract import Event
from integrations.reading import Reader
from sales.drafts import Mention
from sales.money import is_currency


def pushed(event: Event, name: str) -> Reader:
    """Return the object that an event carries."""
    return Reader(event.payload)["data"]["object"][name]


def currency_of(amount: Reader) -> str:
    """Return the currency of an amount."""
    currency = amount["currency"]
    if not is_currency(currency.text(3)):
        raise currency.refuse("not a currency of ISO-4217")
    return currency.text(3)


def signed(amount: Reader, expected: str) -> Decimal:
    """Return an amount in the document's currency; another currency is refused."""
    if currency_of(amount) != expected:
        raise amount["currency"].refuse(f"not {expected} like the rest of the document")
    return amount["amount"].minor(expected)


def money(amount: Reader, expected: str) -> Decimal:
    """Return an amount that is zero or more, in the document's currency."""
    found = signed(amount, expected)
    if found < 0:
        raise amount["amount"].refuse("a negative amount")
    return found


def link(reader: Reader) -> Mention:
    """Return the entity of this id."""
    return Mention(external_id=reader.id())


def named(*names: str | None, between: str = " ") -> str | None:
    """Return the names that are there, put together."""
    return between.join(filter(None, names)) or None


def titled(thing: str | None, variation: str | None) -> str | None:
    """Return the name of what is sold, in an order as in the catalogue."""
    return named(thing, variation, between=" - ")
