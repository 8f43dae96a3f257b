"""The fields of our standard schema (``docs/standard-schema.md``), and the kind of each value.

A test holds them to the JSON Schema files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from integrations.lines import LINE_KINDS
from integrations.parts import DISCOUNT_KINDS, PAYMENT_STATUSES
from integrations.schema import (
    CHANNELS,
    REFUND_KINDS,
    REFUND_STATUSES,
    SALE_KINDS,
    SALE_STATUSES,
)


class Kind(Enum):
    """What a value is, which says how it may be written by others."""

    ID = "id"
    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    WHOLE = "whole"
    TIME = "time"
    DATE = "date"
    FLAG = "flag"
    #: A list of texts: all that its path finds.
    CODES = "codes"


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of an object, and those that it must have: each entry is a choice of names."""

    fields: "Mapping[str, Shape]"
    required: tuple[tuple[str, ...], ...] = ()
    #: Whether an identifier alone may stand for it.
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """A list of such objects."""

    of: Table


#: A set of words is what a value may be.
Shape = Kind | frozenset[str] | Table | Many


def _all(kind: Kind, names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), kind)


_OWN = ("id", "external_id")
_NAME = {**_all(Kind.ID, "id external_id"), **_all(Kind.TEXT, "name")}
_LINK = Table(_NAME, required=(_OWN,), is_link=True)
_SHIFT = Table(_all(Kind.ID, "id number"))
_TAX = Table(
    {
        "code": Kind.ID,
        "rate": Kind.NUMBER,
        "amount": Kind.MONEY,
        "included": Kind.FLAG,
    }
)
_LINE = Table(
    {
        **_all(Kind.ID, "key parent_key product_id sku barcode settlement_method subject"),
        **_all(Kind.TEXT, "name category unit"),
        **_all(Kind.MONEY, "unit_price gross discount total unit_cost cost"),
        "quantity": Kind.NUMBER,
        "kind": LINE_KINDS,
        "marking": Kind.CODES,
        "product": _LINK,
        "tax": _TAX,
    }
)
_REFUND_LINE = Table(
    {
        **_all(Kind.ID, "sale_line_key product_id"),
        **_all(Kind.MONEY, "total tax cost"),
        "name": Kind.TEXT,
        "quantity": Kind.NUMBER,
        "restocked": Kind.FLAG,
        "product": _LINK,
    }
)
_PAYMENT: Mapping[str, Shape] = {
    **_all(Kind.ID, "id external_id currency last4 rrn"),
    **_all(Kind.TEXT, "method type provider_method"),
    **_all(Kind.MONEY, "amount tip tendered change fee"),
    **dict.fromkeys("location device employee customer".split(), _LINK),
    "status": PAYMENT_STATUSES,
    "paid_at": Kind.TIME,
    "is_test": Kind.FLAG,
}
_PAID = Table(_PAYMENT, required=(("amount",), ("method", "type")))
_DISCOUNT = Table(
    {
        "kind": DISCOUNT_KINDS,
        "name": Kind.TEXT,
        "percent": Kind.NUMBER,
        "amount": Kind.MONEY,
    }
)
_FISCAL = Table(
    {
        **_all(Kind.ID, "fn fd fp kkt_reg kkt_serial shift receipt_no tax_system"),
        "printed_at": Kind.TIME,
        "operation": Kind.WHOLE,
        "correction": Kind.FLAG,
        "total": Kind.MONEY,
        "ofd": Kind.TEXT,
    }
)
_DOCUMENT: Mapping[str, Shape] = {
    **_all(Kind.ID, "id external_id number currency"),
    **_all(Kind.TIME, "occurred_at provider_at"),
    **_all(Kind.MONEY, "total tax_total tip_total"),
    **dict.fromkeys("location device employee".split(), _LINK),
    "business_date": Kind.DATE,
    "is_test": Kind.FLAG,
    "shift": _SHIFT,
    "payments": Many(_PAID),
    "fiscal": Many(_FISCAL),
}
_DATED = (_OWN, ("occurred_at",), ("total",))
#: Kind of document → its fields.
DOCUMENTS: Mapping[str, Table] = {
    "sale": Table(
        {
            **_DOCUMENT,
            **_all(
                Kind.MONEY,
                "gross_total discount_total service_total delivery_total rounding_total "
                "change_total cost_total",
            ),
            "kind": SALE_KINDS,
            "status": SALE_STATUSES,
            "channel": CHANNELS,
            "utc_offset": Kind.WHOLE,
            "tax_included": Kind.FLAG,
            "customer": _LINK,
            "lines": Many(_LINE),
            "discounts": Many(_DISCOUNT),
        },
        required=_DATED,
    ),
    "refund": Table(
        {
            **_DOCUMENT,
            **_all(Kind.ID, "sale_id sale_external_id payment_id payment_external_id"),
            "kind": REFUND_KINDS,
            "status": REFUND_STATUSES,
            "reason": Kind.TEXT,
            "lines": Many(_REFUND_LINE),
        },
        required=_DATED,
    ),
    "payment": Table(
        {**_PAYMENT, **_all(Kind.ID, "sale_id sale_external_id")},
        required=(_OWN, *_PAID.required),
    ),
    "customer": Table({**_NAME, **_all(Kind.TEXT, "phone email")}, required=(_OWN,)),
    "product": Table(
        {**_NAME, **_all(Kind.ID, "sku barcode"), "unit": Kind.TEXT, "category": _LINK},
        required=(_OWN,),
    ),
    "location": Table({**_NAME, "address": Kind.TEXT}, required=(_OWN,)),
}


@dataclass(frozen=True, slots=True)
class Action:
    """What a record becomes: the kind of its document, and the event of the standard schema."""

    word: str
    document: str
    event: str
    #: Of a document that is gone, only who it was is read.
    only: tuple[str, ...] = field(default=())


ACTIONS: Mapping[str, Action] = {
    one.word: one
    for one in (
        Action("sale", "sale", "sale.updated"),
        Action("sale.voided", "sale", "sale.voided"),
        Action("sale.deleted", "sale", "sale.deleted", _OWN),
        Action("refund", "refund", "refund.updated"),
        Action("refund.deleted", "refund", "refund.deleted", _OWN),
        Action("payment", "payment", "payment.updated"),
        Action("customer", "customer", "customer.updated"),
        Action("customer.deleted", "customer", "customer.deleted", _OWN),
        Action("product", "product", "product.updated"),
        Action("product.deleted", "product", "product.deleted", _OWN),
        Action("location", "location", "location.updated"),
    )
}
IGNORED = "ignored"
