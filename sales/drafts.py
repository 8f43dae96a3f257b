"""Drafts: what one event states of an entity, before it is merged (``docs/merge-rule.md``).

A draft states whole *facets* of an entity as of a *version*. A facet that an event knows only in
part is not stated (``None``). Amounts are Decimal at the currency's scale and positive; times are
aware. ``None`` in a field means that the source cannot say it, never zero.

No Django in here: providers import this module.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, get_args

#: Marks a field that came after statements were first stamped: it is in a digest only where it says
#: something, so that what was said before has the digest it had.
_LATER: Mapping[str, bool] = {"later": True}
_NAMESPACE = uuid.UUID("8f9c1c1e-3d1e-5b0a-9a55-6f3f0c6d7e21")


class Rank(IntEnum):
    """How well a kind of message knows what it states; it is compared before any clock."""

    MENTION = 5  # the name of a product inside somebody's line
    FILE = 10
    PARTIAL = 20  # a poorer view: Evotor's ReceiptCreated, a refund nested in a Shopify order
    FULL = 30  # the object's own full statement, pushed or read


class OrderedBy(StrEnum):
    PROVIDER = "provider"
    READ = "read"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Version:
    """As of when a statement holds: rank, then clock (microseconds since 1970), then seq."""

    rank: int
    clock: int
    seq: int = 0
    by: OrderedBy = OrderedBy.PROVIDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Another entity named inside a statement: its external id and what is said of it there."""

    external_id: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fiscal:
    """One printed fiscal receipt (54-ФЗ)."""

    fn: str | None = None
    fd: str | None = None
    fp: str | None = None
    kkt_reg: str | None = None
    kkt_serial: str | None = None
    shift: str | None = None
    receipt_no: str | None = None
    printed_at: datetime | None = None
    operation: int | None = None
    correction: bool | None = None
    tax_system: str | None = None
    total: Decimal | None = None
    ofd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A discount of the document; ``kind`` is manual, promo, loyalty, coupon, rounding or other."""

    kind: str = "other"
    name: str | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    key: str | None = None
    parent_key: str | None = None
    kind: str = "good"
    product: Mention | None = None
    name: str | None = None
    sku: str | None = None
    barcode: str | None = None
    category: str | None = None
    unit: str | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    gross: Decimal | None = None
    discount: Decimal | None = None
    total: Decimal | None = None
    tax_code: str | None = None
    tax_rate: Decimal | None = None
    tax_amount: Decimal | None = None
    tax_included: bool | None = None
    unit_cost: Decimal | None = None
    cost: Decimal | None = None
    settlement_method: str | None = None
    subject: str | None = None
    marking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """``amount`` is net of change and with the tip; the status decides whether it counts.

    ``refunded_cum`` is how much of a payment with a life of its own went back in all, as a counter
    of its provider says, and ``counted_at`` as of when. What the refunds that it can have counted
    leave of it counts as refunded too.
    """

    method: str
    status: str = "completed"
    amount: Decimal
    currency: str
    external_id: str | None = None
    provider_method: str | None = None
    tip: Decimal | None = None
    tendered: Decimal | None = None
    change: Decimal | None = None
    paid_at: datetime | None = None
    last4: str | None = None
    rrn: str | None = None
    fee: Decimal | None = None
    refunded_cum: Decimal | None = field(default=None, metadata=_LATER)
    counted_at: datetime | None = field(default=None, metadata=_LATER)
    # What an implied sale (payments known, document not yet) takes over from its first payment.
    location: Mention | None = None
    device: Mention | None = None
    employee: Mention | None = None
    customer: Mention | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    sale_line_key: str | None = None
    product: Mention | None = None
    name: str | None = None
    quantity: Decimal | None = None
    total: Decimal | None = None
    tax: Decimal | None = None
    cost: Decimal | None = None
    restocked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund is a record of its own. Its sale is known by id, by a payment, or not at all."""

    kind: str = "refund"
    status: str = "completed"  # pending, completed, failed
    total: Decimal
    currency: str
    occurred_at: datetime | None = None
    provider_at: datetime | None = None
    business_date: date | None = None
    external_id: str | None = None
    sale_external_id: str | None = None
    payment_external_id: str | None = None
    number: str | None = None
    tax_total: Decimal | None = None
    tip_total: Decimal | None = None
    lines: tuple[RefundLine, ...] = ()
    payments: tuple[Payment, ...] = ()
    location: Mention | None = None
    device: Mention | None = None
    employee: Mention | None = None
    shift_id: str | None = None
    shift_number: str | None = None
    fiscal: tuple[Fiscal, ...] = ()
    reason: str | None = None
    is_test: bool = False
    anomalies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The document itself. ``status`` is open, completed or voided; refunds decide the rest."""

    kind: str = "sale"
    status: str = "completed"
    number: str | None = None
    occurred_at: datetime | None = None
    provider_at: datetime | None = None
    utc_offset: int | None = None  # minutes east of UTC at the till
    business_date: date | None = None  # the provider's own; it wins over ours
    currency: str
    location: Mention | None = None
    device: Mention | None = None
    employee: Mention | None = None
    shift_id: str | None = None
    shift_number: str | None = None
    channel: str = "pos"
    is_test: bool = False
    role: str = "sale"  # or "return": the row is kept, and counts nothing
    tax_included: bool | None = None
    gross_total: Decimal | None = None
    discount_total: Decimal | None = None
    service_total: Decimal | None = None
    delivery_total: Decimal | None = None
    tip_total: Decimal | None = None
    rounding_total: Decimal | None = None
    tax_total: Decimal | None = None
    total: Decimal | None = None
    change_total: Decimal | None = None
    cost_total: Decimal | None = None
    discounts: tuple[Discount, ...] = ()
    fiscal: tuple[Fiscal, ...] = ()
    anomalies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Payments and refunds without a life of their own: replaced whole with the facet."""

    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLink:
    """The link to a customer; ``customer=None`` states that the sale has none."""

    customer: Mention | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleDraft:
    external_id: str
    version: Version
    header: Header | None = None
    lines: tuple[Line, ...] | None = None
    money: Money | None = None
    customer: CustomerLink | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDraft:
    external_id: str
    version: Version
    sale_external_id: str | None = None
    content: Payment | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDraft:
    external_id: str
    version: Version
    content: Refund | None = None
    gone: bool = False


class ReferenceKind(StrEnum):
    LOCATION = "location"
    DEVICE = "device"
    EMPLOYEE = "employee"
    CATEGORY = "category"
    PRODUCT = "product"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceDraft:
    """A location, device, employee, category, product or customer with its own attributes.

    ``content`` maps the columns of its table (``name``, ``sku``, ``phone`` …) to values.
    """

    kind: ReferenceKind
    external_id: str
    version: Version
    content: Mapping[str, Any] | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person set by hand: field → value or CLEAR, at ``at`` microseconds (``merge.md``).

    It names the entity by its row, which need not have been delivered yet.
    """

    kind: str  # "sale", "refund" or a ReferenceKind
    source_id: int
    external_id: str
    at: int
    fields: Mapping[str, Any]


#: The value of a field that a person lets the provider speak for again.
CLEAR = {"__clear__": True}

Draft = SaleDraft | PaymentDraft | RefundDraft | ReferenceDraft | Edit


def entity_id(source_id: int, kind: str, external_id: str) -> uuid.UUID:
    """Return the row id of an entity: a function of its key, so that links need no look-up."""
    return uuid.uuid5(_NAMESPACE, f"{source_id}:{kind}:{external_id}")


def part_id(owner: uuid.UUID, kind: str, position: int) -> uuid.UUID:
    """Return the row id of an owned payment or refund of a sale."""
    return uuid.uuid5(owner, f"{kind}:{position}")


_PLAIN = frozenset({str, int, bool, Decimal, type(None)})


def _each(values: Iterable[Any]) -> tuple[Any, ...]:
    # Most fields are plain or empty: a call for each would be a third of what a digest costs.
    return tuple([one if type(one) in _PLAIN else _canonical(one) for one in values])


def _canonical(value: Any) -> Any:
    kind: Any = type(value)
    return _canon(kind)(value)


@cache
def _canon(kind: Any) -> Callable[[Any], Any]:
    """Return how values of a type become a tuple of plain ones."""
    if issubclass(kind, datetime):
        return datetime.timestamp
    if issubclass(kind, tuple):
        return _each
    if issubclass(kind, Mapping):
        return lambda value: tuple((key, *_each((value[key],))) for key in sorted(value))
    if is_dataclass(kind):
        return _canon_of_fields(kind)
    return (lambda value: value) if kind in _PLAIN else str


def _canon_of_fields(kind: Any) -> Callable[[Any], Any]:
    """Take plain fields all at once, without a look at each, and the few others one by one."""
    first = [one for one in fields(kind) if "later" not in one.metadata]
    plain = [one.name for one in first if _PLAIN.issuperset(_types(one.type))]
    others = [one.name for one in first if one.name not in plain]
    later = [one.name for one in fields(kind) if "later" in one.metadata]
    get_plain = attrgetter(*plain) if plain else lambda _: ()

    def canon(value: Any) -> Any:
        return get_plain(value), *[_canonical(getattr(value, name)) for name in others]

    def canon_with_later(value: Any) -> Any:
        said = [(name, getattr(value, name)) for name in later]
        added = [(name, _canonical(one)) for name, one in said if one is not None]
        return (*canon(value), *added)

    return canon_with_later if later else canon


def _types(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) or (annotation,)


def digest(value: Any) -> bytes:
    """Return 8 bytes that stand for a facet's value: equal values, equal bytes."""
    return hashlib.sha256(repr(_canonical(value)).encode()).digest()[:8]


def pack_stamp(version: Version, mapper: int, value_digest: bytes) -> bytes:
    """Return the 27 bytes of a stamp, whose byte order is the order of its parts."""
    return b"".join(
        (
            version.rank.to_bytes(1, "big"),
            max(version.clock, 0).to_bytes(8, "big"),
            max(version.seq, 0).to_bytes(8, "big"),
            mapper.to_bytes(2, "big"),
            value_digest,
        )
    )
