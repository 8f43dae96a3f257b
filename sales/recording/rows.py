"""Drafts → tuples in the order of the tables' columns."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from .. import rendering
from ..drafts import (
    Fiscal,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    Refund,
    Version,
    entity_id,
    part_id,
)
from .arrays import literal

Values = tuple[Any, ...]
#: A till sells the same few hundred products all day.
known_id = lru_cache(maxsize=65536)(entity_id)


class Owned(NamedTuple):
    """The facet ``money``: its parts, and what they take from the statement that has them."""

    money: Money
    version: Version
    mapper: int
    received: datetime
    delivery: str


def link(source_id: int, kind: str, mention: Mention | None) -> UUID | None:
    """Return the row id of what is mentioned."""
    return None if mention is None else known_id(source_id, kind, mention.external_id)


def header(source_id: int, value: Header, version: Version, *, mapper: int) -> Values:
    """Return the facet ``header`` of a sale."""
    return (
        value.kind,
        value.status,
        value.role,
        value.number,
        value.occurred_at,
        value.provider_at,
        value.utc_offset,
        value.business_date,
        value.currency,
        link(source_id, "location", value.location),
        link(source_id, "device", value.device),
        link(source_id, "employee", value.employee),
        value.shift_id,
        value.shift_number,
        value.channel,
        value.is_test,
        value.tax_included,
        value.gross_total,
        value.discount_total,
        value.service_total,
        value.delivery_total,
        value.tip_total,
        value.rounding_total,
        value.tax_total,
        value.total,
        value.change_total,
        value.cost_total,
        rendering.text(value.discounts),
        literal(value.anomalies),
        str(version.by),
        mapper,
    )


def payment(source_id: int, sale: UUID | None, value: Payment) -> Values:
    """Return the facet ``content`` of a payment."""
    return (
        sale,
        value.method,
        value.provider_method,
        value.status,
        value.amount,
        value.currency,
        value.tip,
        value.tendered,
        value.change,
        value.paid_at,
        value.last4,
        value.rrn,
        value.fee,
        value.refunded_cum,
        value.counted_at,
        link(source_id, "location", value.location),
        link(source_id, "device", value.device),
        link(source_id, "employee", value.employee),
        link(source_id, "customer", value.customer),
        value.is_test,
    )


def refund(
    source_id: int, sale: UUID | None, value: Refund, *, version: Version, mapper: int
) -> Values:
    """Return the facet ``content`` of a refund; ``sale`` is the one it names itself."""
    by_payment = value.payment_external_id
    return (
        sale,
        None if by_payment is None else entity_id(source_id, "payment", by_payment),
        value.sale_external_id,
        value.kind,
        value.number,
        value.status,
        value.occurred_at,
        value.provider_at,
        value.business_date,
        value.currency,
        value.total,
        value.tax_total,
        value.tip_total,
        rendering.text(value.lines),
        rendering.text(value.payments),
        link(source_id, "location", value.location),
        link(source_id, "device", value.device),
        link(source_id, "employee", value.employee),
        value.shift_id,
        value.shift_number,
        value.reason,
        value.is_test,
        literal(value.anomalies),
        str(version.by),
        mapper,
    )


def line(source_id: int, value: Line) -> Values:
    """Return a line without its head (sale, position, account, stamp)."""
    product = value.product
    return (
        value.key,
        value.parent_key,
        value.kind,
        link(source_id, "product", product),
        None if product is None else product.external_id,
        value.name,
        value.sku,
        value.barcode,
        value.category,
        value.unit,
        value.quantity,
        value.unit_price,
        value.gross,
        value.discount,
        value.total,
        value.tax_code,
        value.tax_rate,
        value.tax_amount,
        value.tax_included,
        value.unit_cost,
        value.cost,
        value.settlement_method,
        value.subject,
        literal(value.marking) if value.marking else "{}",
    )


def fiscal(
    owner: UUID, kind: str, receipts: Sequence[Fiscal], *, account_id: int, stamp: bytes
) -> Iterator[Values]:
    """Yield the fiscal receipts of a sale or a refund."""
    for position, value in enumerate(receipts):
        yield (
            owner,
            position,
            kind,
            account_id,
            stamp,
            value.fn,
            value.fd,
            value.fp,
            value.kkt_reg,
            value.kkt_serial,
            value.shift,
            value.receipt_no,
            value.printed_at,
            value.operation,
            value.correction,
            value.tax_system,
            value.total,
            value.ofd,
        )


def owned_id(sale: UUID, kind: str, position: int) -> UUID:
    """Return the row id of an owned payment or refund."""
    return part_id(sale, kind, position)
