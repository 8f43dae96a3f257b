"""Shopify's words in ours: ways to pay, channels, taxes, and what several payloads share."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations.clocks import micros
from integrations.contract import Context
from integrations.parts import taxed
from integrations.reading import Reader
from integrations.schema import currency_of
from integrations.sums import added
from sales.drafts import Mention
from sales.money import is_currency

#: By gateway, in lower case; others are a card where the transaction names one.
METHODS = {
    "bogus": "card",
    "cash": "cash",
    "cash on delivery (cod)": "cash",
    "gift_card": "gift_card",
    "paypal": "online",
    "shopify_payments": "card",
    "shopify_store_credit": "account",
}
CHANNELS = {"pos": "pos", "web": "online"}
#: Microseconds: Shopify's times are of whole seconds.
_SECOND = 1_000_000
_LAST4 = re.compile(r"[0-9]{4}\Z")


def mention(parent: Reader, key: str, name: str | None = None) -> Mention | None:
    """Return the entity that is named under the key."""
    found = parent.maybe(key, Reader.id)
    return None if found is None else Mention(external_id=found, name=name)


def place(parent: Reader, context: Context) -> dict[str, Any]:
    """Return where and by whom; an order without a shop is of the one that the source is set to."""
    default = Mention(external_id=context.location) if context.location else None
    return {
        "location": mention(parent, "location_id") or default,
        "device": mention(parent, "device_id"),
        "employee": mention(parent, "user_id"),
    }


def time_of(parent: Reader) -> datetime:
    """Return when it happened: orders taken in from elsewhere are created later than processed."""
    return (parent.get("processed_at") or parent["created_at"]).time()


def asked_after(time: datetime, context: Context) -> int:
    """Return when we asked (microseconds), 0 where that was not after the second of a time, or
    nothing was asked: what else happened within that second an answer may not know yet. Our clock
    and Shopify's (the answer's ``Date``) both have to say so."""
    answered = context.answered
    if answered is None:
        return 0
    dated = answered.sent if answered.date is None else min(answered.sent, answered.date)
    return answered.sent if dated >= micros(time) + _SECOND else 0


def offset_of(time: datetime) -> int:
    """Return the shop's minutes east of UTC at this time."""
    return (time.utcoffset() or timedelta()) // timedelta(minutes=1)


def shop_money(transaction: Reader, context: Context) -> tuple[Decimal, str]:
    """Return the amount of a transaction and its currency, the shop's where both are told."""
    both = transaction.get("amount_set")
    if both is not None:
        currency = shop_currency(both)
        return both["shop_money"]["amount"].positive(currency), currency
    currency = currency_of(transaction, context.currency)
    return transaction["amount"].positive(currency), currency


def shop_currency(both: Reader) -> str:
    """Return the shop's currency of an amount that is told in the customer's as well."""
    code = both["shop_money"]["currency_code"]
    if not is_currency(code.text(10)):
        raise code.refuse("not a currency of ISO-4217")
    return code.text(10)


def method_of(transaction: Reader) -> dict[str, Any]:
    """Return how a transaction was paid: our word, the gateway's own, the card's last digits."""
    gateway = transaction.maybe("gateway", Reader.label)
    details = transaction.get("payment_details")
    card = None if details is None else details.maybe("credit_card_number", Reader.text)
    digits = _LAST4.search(card or "")
    return {
        "method": METHODS.get((gateway or "").lower(), "card" if card else "other"),
        "provider_method": gateway,
        "last4": digits[0] if digits else None,
    }


def tax_of(line: Reader, currency: str) -> dict[str, Any]:
    """Return the tax of a line."""
    taxes = list(line.items("tax_lines"))
    amount = added(line, (tax["price"].positive(currency) for tax in taxes))
    if not taxes:
        untaxed = line.maybe("taxable", Reader.boolean) is False
        return {"tax_code": "none" if untaxed else None, "tax_amount": amount}
    rates = [_percent(tax) if tax.get("rate") is not None else None for tax in taxes]
    return taxed(rates, amount)


def _percent(tax: Reader) -> Decimal:
    """Return the rate in percent; Shopify writes a fraction of one."""
    rate = tax["rate"].fine(12)
    if not 0 <= rate < 10:
        raise tax["rate"].refuse("a rate out of range")
    return rate * 100
