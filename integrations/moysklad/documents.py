"""Retail sales and retail returns, as the API gives them (dev.moysklad.ru, read 2026-11).

``updated`` orders the states of a document. One that is not posted (``applicable: false``) is
stated as voided: it counts nowhere in MoySklad either, and posting it is a later state.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from integrations.clocks import is_plausible, version, version_of_answer
from integrations.contract import Context, Statement
from integrations.reading import Reader
from integrations.sums import kopecks
from sales.drafts import (
    CustomerLink,
    Fiscal,
    Header,
    Line,
    Mention,
    Money,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    SaleDraft,
)

from . import money, positions, words

Positions = Sequence[Reader] | None
Document = Callable[[Reader, Positions, Context], Sequence[Statement]]


def sale(document: Reader, found: Positions, context: Context) -> Sequence[Statement]:
    """Read a retailDemand, and its customer where the link was expanded."""
    currency = words.currency_of(document, context)
    included = document.maybe("vatIncluded", Reader.boolean)
    lines = None if found is None else positions.lines(found, currency, included=included)
    agent = document.get("agent")
    draft = SaleDraft(
        external_id=words.uuid(document["id"]),
        version=version_of_answer(words.time(document["updated"]), context),
        header=Header(
            status="completed" if document["applicable"].boolean() else "voided",
            currency=currency,
            tax_included=included,
            tax_total=document.maybe("vatSum", kopecks, currency),
            total=kopecks(document["sum"], currency),
            fiscal=_fiscal(document, currency, 1),
            **_line_totals(lines),
            **_circumstances(document, context),
        ),
        lines=lines,
        money=Money(payments=_payments(document, currency)),
        customer=CustomerLink(
            customer=None if agent is None else Mention(external_id=words.linked(agent))
        ),
        gone=_is_deleted(document),
    )
    return [draft, *_customers(agent, context)]


def refund(document: Reader, found: Positions, context: Context) -> Sequence[Statement]:
    """Read a retailSalesReturn; one without a base sale names none, for ever."""
    currency = words.currency_of(document, context)
    content = Refund(
        status="completed" if document["applicable"].boolean() else "pending",
        total=kopecks(document["sum"], currency),
        currency=currency,
        sale_external_id=document.maybe("demand", words.linked),
        tax_total=document.maybe("vatSum", kopecks, currency),
        lines=positions.refund_lines(found or (), currency),
        payments=_payments(document, currency),
        fiscal=_fiscal(document, currency, 2),
        **_circumstances(document, context),
    )
    return [
        RefundDraft(
            external_id=words.uuid(document["id"]),
            version=version_of_answer(words.time(document["updated"]), context),
            content=content,
            gone=_is_deleted(document),
        )
    ]


def _payments(document: Reader, currency: str) -> tuple[Any, ...]:
    return money.payments(document, currency, document.maybe("moment", words.time))


def _is_deleted(document: Reader) -> bool:
    """Say whether it lies in the bin: thrown away, and not changed by being taken out since."""
    deleted = document.maybe("deleted", words.time)
    return deleted is not None and deleted >= words.time(document["updated"])


def _circumstances(document: Reader, context: Context) -> dict[str, Any]:
    """Read when, where and by whom: the fields that a header and a refund share."""
    occurred_at = words.time(document["moment"])
    shift, default = document.get("retailShift"), context.location
    store = document.maybe("retailStore", words.mention)
    return {
        "number": document.maybe("name", Reader.label),
        "occurred_at": occurred_at,
        "provider_at": document.maybe("created", words.time),
        "location": store or (Mention(external_id=default) if default else None),
        "employee": document.maybe("owner", words.mention),
        "shift_id": None if shift is None else words.linked(shift),
        "shift_number": None if shift is None else shift.maybe("name", Reader.label),
        "is_test": context.is_test,
        "anomalies": () if is_plausible(occurred_at, context) else ("clock",),
    }


def _line_totals(lines: tuple[Line, ...] | None) -> dict[str, Any]:
    """Return the totals that are sums of the lines: the document states none before discounts."""
    if lines is None:
        return {}
    zero = Decimal("0.00")
    return {
        "gross_total": sum((line.gross for line in lines if line.gross is not None), zero),
        "discount_total": sum((line.discount for line in lines if line.discount is not None), zero),
    }


def _fiscal(document: Reader, currency: str, operation: int) -> tuple[Fiscal, ...]:
    """Read the printed receipt, none where the till printed none or has yet to tell."""
    cheque = document.get("cheque")
    if cheque is None:
        return ()
    return (
        Fiscal(
            fn=cheque.maybe("fnNumber", Reader.label),
            fd=cheque.maybe("fiscalDocNumber", Reader.label),
            fp=cheque.maybe("fiscalDocSign", Reader.label),
            kkt_reg=cheque.maybe("kktRegNumber", Reader.label),
            printed_at=cheque.maybe("time", words.time),
            operation=operation,
            shift=document.maybe("sessionNumber", Reader.id),
            receipt_no=document.maybe("checkNumber", Reader.id),
            total=document.maybe("checkSum", kopecks, currency),
            tax_system=document.maybe("taxSystem", Reader.label),
        ),
    )


def _customers(agent: Reader | None, context: Context) -> Sequence[ReferenceDraft]:
    """Return the customer, where the token may see it: else the link is all there is."""
    if agent is None or agent.get("name") is None:
        return ()
    sent = context.answered.sent if context.answered else 0
    return [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=words.linked(agent),
            version=version(Rank.FULL, agent.maybe("updated", words.time), context, seq=sent),
            content={
                "name": agent.maybe("name", Reader.label),
                "phone": agent.maybe("phone", Reader.label),
                "email": agent.maybe("email", Reader.label),
            },
        )
    ]
