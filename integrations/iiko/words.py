"""iiko's words in ours: ways to pay, people, taxes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.lines import TAX_CODES
from integrations.reading import Reader
from sales.drafts import Mention

#: Kinds of payment types; what is not here (External, Writeoff, plug-ins of terminals) is other.
METHODS: Mapping[str, str] = {
    "Cash": "cash",
    "Card": "card",
    "Credit": "credit",
    "Voucher": "gift_card",
}


def person(found: Reader | None) -> Mention | None:
    """Return an employee or a guest, None for one without an id."""
    name = None if found is None else found.maybe("id", Reader.id)
    if found is None or name is None:
        return None
    return Mention(external_id=name, name=found.joined("name", "surname"))


def tax_of(place: Reader, *, included: bool) -> dict[str, Any]:
    """Return the tax columns of a line: iiko states the rate, and never the sum of a tax."""
    rate = place.maybe("taxPercent", parts.percent)
    if rate is None:
        return {"tax_included": included}
    code = format(rate.normalize(), "f")
    return {
        "tax_code": code if code in TAX_CODES else "other",
        "tax_rate": rate,
        "tax_amount": None if rate else Decimal(0),
        "tax_included": included,
    }
