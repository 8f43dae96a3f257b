"""What Bitrix24 writes in ours: the portal's name, numbers of entities, units and taxes."""

import re
from decimal import Decimal
from typing import Any

from integrations.contract import Context, Event
from integrations.reading import AMOUNT_LIMIT, Reader
from sales.money import is_currency, round_money

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]*[a-z0-9]")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_CODED_RATES = frozenset(map(Decimal, (0, 5, 7, 10, 18, 20, 22)))


def portal(text: str) -> str:
    """Return the host of a portal, from its name or its whole address. Raises ValueError.

    ``company.bitrix24.ru`` and a domain of one's own are both names; an IP address is none.
    """
    bare = text.strip().lower().removeprefix("https://").removesuffix("/")
    try:
        host = bare if bare.isascii() else bare.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(text) from error
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise ValueError(text)
    return host


def answers_of(event: Event) -> list[Reader]:
    """Return the answers of one read; there is at least one."""
    answers = Reader(event.payload)["answers"]
    found = list(answers)
    if not found:
        raise answers.refuse("empty")
    return found


def number(reader: Reader) -> str:
    """Return the number of an entity, a text or an integer, as text."""
    found = reader.id()
    if not _NUMBER.fullmatch(found):
        raise reader.refuse("not the number of an entity")
    return found


def link(reader: Reader) -> str | None:
    """Return the number of a linked entity; 0 and an empty text are none."""
    return None if reader.value in ("", "0", 0) else number(reader)


def currency_of(deal: Reader, context: Context) -> str:
    """Return the deal's currency, or the source's where the deal has none."""
    child = deal.get("CURRENCY_ID")
    if child is None or child.value == "":
        return context.currency
    if not is_currency(child.text(10)):
        raise child.refuse("not a currency of ISO-4217")
    return child.text(10)


def times(place: Reader, quantity: Decimal, price: Decimal, currency: str) -> Decimal:
    """Return quantity × price, rounded half-up to the currency."""
    exact = quantity * price
    if exact >= AMOUNT_LIMIT:
        raise place.refuse("an amount out of range")
    return round_money(exact, currency)


def tax_of(rate: Decimal | None) -> dict[str, Any]:
    """Return the columns of a tax by its percentage; none is «без НДС», which is not 0 %."""
    if rate is None:
        return {"tax_code": "none"}
    return {"tax_code": str(int(rate)) if rate in _CODED_RATES else "other", "tax_rate": rate}
