"""What Bitrix24 writes in ours: links, currencies, sums and taxes."""

from decimal import Decimal
from typing import Any

from integrations.contract import Context
from integrations.reading import Reader
from sales.money import is_currency

_CODED_RATES = frozenset(map(Decimal, (0, 5, 7, 10, 18, 20, 22)))


def link(reader: Reader) -> str | None:
    """Return the number of a linked entity; 0 and an empty text are none."""
    return None if reader.value in ("", "0", 0) else reader.number()


def currency_of(deal: Reader, context: Context) -> str:
    """Return the deal's currency, or the source's where the deal has none."""
    child = deal.get("CURRENCY_ID")
    if child is None or child.value == "":
        return context.currency
    if not is_currency(child.text(10)):
        raise child.refuse("not a currency of ISO-4217")
    return child.text(10)


def tax_of(rate: Decimal | None) -> dict[str, Any]:
    """Return the columns of a tax by its percentage; none is «без НДС», which is not 0 %."""
    if rate is None:
        return {"tax_code": "none"}
    return {"tax_code": str(int(rate)) if rate in _CODED_RATES else "other", "tax_rate": rate}
