"""Reads our published standard schema, version 1 (``docs/standard-schema.md``), into drafts.

Used by the providers ``standard`` (over HTTP) and ``manual`` (by hand). The JSON Schema files that
say the same are ``integrations/standard/schema/v1/``; a test holds the two together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sales.drafts import (
    CustomerLink,
    Header,
    Line,
    Mention,
    Money,
    PaymentDraft,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    SaleDraft,
    Version,
)
from sales.money import is_currency

from . import parts
from .clocks import is_plausible
from .contract import (
    Context,
)
from .lines import refund_lines, sale_lines
from .reading import Reader
from .sums import total_of

SALE_KINDS = frozenset("sale prepayment advance credit_payment correction deal other".split())
SALE_STATUSES = frozenset("open completed voided".split())
CHANNELS = frozenset("pos online delivery crm other".split())
REFUND_KINDS = frozenset("refund void chargeback correction".split())
REFUND_STATUSES = frozenset("pending completed failed".split())


def currency_of(document: Reader, default: str, key: str = "currency") -> str:
    """Return the document's ISO-4217 currency, or the source's."""
    child = document.get(key)
    if child is None:
        return default
    if not is_currency(child.text(3)):
        raise child.refuse("not a currency of ISO-4217")
    return child.text(3)


def timing(document: Reader, context: Context) -> tuple[datetime, int | None, tuple[str, ...]]:
    """Return when it happened, the till's minutes east of UTC, and the anomalies of its clock."""
    reader = document["occurred_at"]
    time = reader.time(context.timezone)
    offset = None if str(reader.value).endswith("Z") else time.utcoffset()
    anomalies = () if is_plausible(time, context) else ("clock",)
    return time, None if offset is None else int(offset.total_seconds()) // 60, anomalies


def _untaxed(line: Line) -> Decimal | None:
    return Decimal(0) if line.tax_code == "none" and line.tax_amount is None else line.tax_amount


#: Totals that follow exactly from the lines, where all of them say their part.
_FROM_LINES: Mapping[str, Callable[[Line], Decimal | None]] = {
    "gross_total": lambda line: line.gross,
    "discount_total": lambda line: line.discount,
    "tax_total": _untaxed,
    "cost_total": lambda line: line.cost,
}


_TOTALS: Mapping[str, Callable[[Reader, str], Decimal]] = {
    **dict.fromkeys(
        "gross_total discount_total service_total delivery_total tip_total tax_total total "
        "change_total cost_total".split(),
        Reader.positive,
    ),
    "rounding_total": Reader.amount,
}


def _totals(document: Reader, currency: str, lines: Sequence[Line]) -> dict[str, Any]:
    _ = document["total"]  # never recomputed: a sale without it is refused
    found = document.record(_TOTALS, currency)
    for name, part in _FROM_LINES.items():
        if name not in found:
            found[name] = total_of(document, map(part, lines))
    return found


def _place(document: Reader, context: Context) -> dict[str, Any]:
    """Return where and by whom: location, device, employee, shift."""
    default = Mention(external_id=context.location) if context.location else None
    shift = document.get("shift")
    return {
        "location": document.maybe("location", parts.mention) or default,
        "device": document.maybe("device", parts.mention),
        "employee": document.maybe("employee", parts.mention),
        "shift_id": shift and shift.maybe("id", Reader.id),
        "shift_number": shift and shift.maybe("number", Reader.id),
    }


def _included(document: Reader, context: Context) -> bool | None:
    stated = document.maybe("tax_included", Reader.boolean)
    return context.prices_include_tax if stated is None else stated


def _is_test(document: Reader, context: Context) -> bool:
    return document.maybe("is_test", Reader.boolean) or context.is_test


def offset(reader: Reader) -> int:
    """Return minutes east of UTC."""
    found = reader.integer()
    if not -1080 <= found <= 1080:
        raise reader.refuse("minutes east of UTC, between -1080 and 1080")
    return found


def _customer(data: Reader) -> CustomerLink | None:
    """Return the link; an absent field states nothing, null states that there is no customer."""
    if "customer" not in data.value:
        return None
    return CustomerLink(customer=data.maybe("customer", parts.mention))


def sale_draft(data: Reader, version: Version, context: Context) -> SaleDraft:
    """Read a whole sale. Absent ``lines``, ``payments`` or ``customer`` are not stated.

    Raises PayloadUnrecognised.
    """
    currency = currency_of(data, context.currency)
    discounts = parts.discounts(data, currency)
    lines = sale_lines(data, currency, discounts)
    payments = parts.payments(data, currency, context.timezone)
    occurred_at, written_offset, anomalies = timing(data, context)
    stated_offset = data.maybe("utc_offset", offset)
    header = Header(
        kind=data.maybe("kind", Reader.one_of, SALE_KINDS) or "sale",
        status=data.maybe("status", Reader.one_of, SALE_STATUSES) or "completed",
        number=data.maybe("number", Reader.id),
        occurred_at=occurred_at,
        provider_at=data.maybe("provider_at", Reader.time, context.timezone),
        utc_offset=written_offset if stated_offset is None else stated_offset,
        business_date=data.maybe("business_date", Reader.date),
        currency=currency,
        channel=data.maybe("channel", Reader.one_of, CHANNELS) or "pos",
        is_test=_is_test(data, context),
        tax_included=_included(data, context),
        discounts=discounts,
        fiscal=parts.fiscal(data, currency, context.timezone),
        anomalies=anomalies,
        **_place(data, context),
        **_totals(data, currency, lines or ()),
    )
    return SaleDraft(
        external_id=parts.own_id(data),
        version=version,
        header=header,
        lines=lines,
        money=None if payments is None else Money(payments=payments),
        customer=_customer(data),
    )


def voided_draft(data: Reader, version: Version, context: Context) -> SaleDraft:
    """Read a whole sale that was annulled, whatever status the document gives."""
    draft = sale_draft(data, version, context)
    assert draft.header is not None  # noqa: S101
    return replace(draft, header=replace(draft.header, status="voided"))


def refund_draft(data: Reader, version: Version, context: Context) -> RefundDraft:
    """Read a whole refund; its sale is named by ``sale_id``, ``payment_id``, or not at all."""
    currency = currency_of(data, context.currency)
    occurred_at, _, anomalies = timing(data, context)
    name = parts.own_id(data)
    refund = Refund(
        kind=data.maybe("kind", Reader.one_of, REFUND_KINDS) or "refund",
        status=data.maybe("status", Reader.one_of, REFUND_STATUSES) or "completed",
        total=data["total"].positive(currency),
        currency=currency,
        occurred_at=occurred_at,
        provider_at=data.maybe("provider_at", Reader.time, context.timezone),
        business_date=data.maybe("business_date", Reader.date),
        external_id=name,
        sale_external_id=parts.identity(data, "sale"),
        payment_external_id=parts.identity(data, "payment"),
        number=data.maybe("number", Reader.id),
        tax_total=data.maybe("tax_total", Reader.positive, currency),
        tip_total=data.maybe("tip_total", Reader.positive, currency),
        lines=refund_lines(data, currency),
        payments=parts.payments(data, currency, context.timezone) or (),
        fiscal=parts.fiscal(data, currency, context.timezone),
        reason=data.maybe("reason", Reader.label),
        is_test=_is_test(data, context),
        anomalies=anomalies,
        **_place(data, context),
    )
    return RefundDraft(external_id=name, version=version, content=refund)


def payment_draft(data: Reader, version: Version, context: Context) -> PaymentDraft:
    """Read a payment with a life of its own; ``sale_id`` names its sale."""
    currency = currency_of(data, context.currency)
    content = parts.payment(data, currency, context.timezone)
    name = parts.own_id(data)
    return PaymentDraft(
        external_id=name,
        version=version,
        sale_external_id=parts.identity(data, "sale"),
        content=replace(content, external_id=name, is_test=_is_test(data, context)),
    )


def _category(reader: Reader) -> Mention:
    """Read a link to a category; a plain text is its name too."""
    found = parts.mention(reader)
    return found if found.name else Mention(external_id=found.external_id, name=found.external_id)


#: Kind of reference → the columns it may state.
_ATTRIBUTES: Mapping[ReferenceKind, Mapping[str, Callable[[Reader], Any]]] = {
    ReferenceKind.CUSTOMER: {"name": Reader.label, "phone": Reader.label, "email": Reader.label},
    ReferenceKind.PRODUCT: {
        "name": Reader.label,
        "sku": Reader.id,
        "barcode": Reader.id,
        "unit": Reader.label,
        "category": _category,
    },
    ReferenceKind.LOCATION: {"name": Reader.label, "address": Reader.label},
}


def reference_draft(
    kind: ReferenceKind, data: Reader, version: Version, context: Context
) -> ReferenceDraft:
    """Read a customer, product or location. ``category`` of a product is a Mention."""
    return ReferenceDraft(
        kind=kind,
        external_id=parts.own_id(data),
        version=version,
        content={name: data.maybe(name, read) for name, read in _ATTRIBUTES[kind].items()},
    )
