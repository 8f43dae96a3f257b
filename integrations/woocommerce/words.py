"""WooCommerce's words in ours: ways to pay, states, times, and amounts with or without tax."""

from datetime import datetime
from decimal import Decimal

from integrations.reading import Reader

#: By the id of the gateway; what is not here is ``other`` and keeps its name.
METHODS = {"cod": "cash", "paypal": "online", "ppcp-gateway": "online"}
_STATES = {
    "auto-draft": "open",
    "cancelled": "voided",
    "checkout-draft": "open",
    "completed": "completed",
    "draft": "open",
    "failed": "voided",
    "on-hold": "open",
    "pending": "open",
    "refunded": "completed",
}
TRASH = "trash"


def state_of(status: str, *, is_paid: bool) -> str:
    """Return our state: of *processing*, and of states that plugins add, the payment decides."""
    return _STATES.get(status) or ("completed" if is_paid else "open")


def gmt(reader: Reader) -> datetime:
    """Return a time that is written without an offset and is in GMT."""
    return reader.time("UTC")


def modified(parent: Reader) -> datetime | None:
    """Return the clock of an object: whole seconds, null of a customer never changed."""
    return parent.maybe("date_modified_gmt", gmt) or parent.maybe("date_created_gmt", gmt)


def priced(item: Reader, key: str, currency: str, included: bool) -> Decimal:
    """Return what stands under the key, always without its tax, and the tax beside it where prices
    include it."""
    net = item[key].amount(currency)
    return net + item[f"{key}_tax"].amount(currency) if included else net
