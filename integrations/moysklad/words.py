"""MoySklad's words in ours: Moscow time, links, currencies, VAT."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import Mention
from sales.money import is_currency, round_money

#: Every date is Moscow time without an offset, for every account, wherever its shops are.
ZONE = "Europe/Moscow"

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RATES = frozenset({0, 5, 7, 10, 18, 20, 22})


def time(reader: Reader) -> datetime:
    """Return a moment that was written in Moscow time."""
    return reader.time(ZONE).astimezone(UTC)


def uuid(reader: Reader) -> str:
    """Return an identifier of MoySklad in lower case."""
    found = reader.text(100).lower()
    if not _UUID.fullmatch(found):
        raise reader.refuse("not a UUID")
    return found


def linked(entity: Reader) -> str:
    """Return the id that a link ends with; its address is never followed."""
    href = entity["meta"]["href"]
    last = href.text().partition("?")[0].rpartition("/")[2].lower()
    if not _UUID.fullmatch(last):
        raise href.refuse("no UUID at the end")
    return last


def mention(entity: Reader) -> Mention:
    """Return a linked entity, with its name where the link was expanded."""
    return Mention(external_id=linked(entity), name=entity.maybe("name", Reader.label))


def currency_of(document: Reader, context: Context) -> str:
    """Return the currency of the document where the link to it was expanded, else the source's."""
    rate = document.get("rate")
    money = None if rate is None else rate.get("currency")
    code = None if money is None else money.get("isoCode")
    if code is None:
        return context.currency
    if not is_currency(code.text(3)):
        raise code.refuse("not a currency of ISO-4217")
    return code.text(3)


def tax(position: Reader, currency: str) -> dict[str, Any]:
    """Return the tax columns of a line; the sum is not stated, so only that of no tax is known."""
    enabled, rate = position.maybe("vatEnabled", Reader.boolean), position.get("vat")
    nothing = round_money(Decimal(0), currency)
    if enabled is False:
        return {"tax_code": "none", "tax_amount": nothing}
    if enabled is None or rate is None:
        return {}
    percent = rate.integer()
    if not 0 <= percent < 100:
        raise rate.refuse("a percentage out of range")
    return {
        "tax_code": str(percent) if percent in _RATES else "other",
        "tax_rate": Decimal(percent),
        "tax_amount": None if percent else nothing,
    }
