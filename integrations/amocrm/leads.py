"""Leads: ``GET /api/v4/leads/{id}`` as a sale of kind *deal*.

``price`` is a whole number of the account's currency, which no answer names: the source's. The
elements of the account's lists have no price of their own here, only what and how many.
"""

from collections.abc import Sequence
from decimal import Decimal

from integrations import parts
from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from sales.drafts import CustomerLink, Header, Line, Mention, SaleDraft

#: Every pipeline ends in these two stages; all others are on the way.
_STATUS = {"142": "completed", "143": "voided"}


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a lead, and ask for its contact: that of a new lead has no hook of its own yet."""
    found: list[Statement] = []
    for lead in Reader(event.payload)["answers"]:
        found += _lead(lead, context)
        contact = _contact(lead)
        found += [] if contact is None else [Read("contact", contact)]
    return found


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """State the leads of a page, which are whole; their contacts are listed apart."""
    return [
        statement
        for answer in Reader(event.payload)["answers"]
        for lead in answer["_embedded"]["leads"]
        for statement in _lead(lead, context)
    ]


def _lead(lead: Reader, context: Context) -> Sequence[SaleDraft]:
    """State header and customer as of ``updated_at``, lines as of the reading: linking an element
    is no change of the lead."""
    name = lead["id"].number()
    changed = version_of_answer(lead["updated_at"].seconds(), context)
    if lead.maybe("is_deleted", Reader.boolean):
        return [SaleDraft(external_id=name, version=changed, gone=True)]
    sale = SaleDraft(
        external_id=name, version=changed, header=_header(lead, context), customer=_customer(lead)
    )
    lines = _lines(lead)
    if lines is None:
        return [sale]
    return [
        sale,
        SaleDraft(external_id=name, version=version_of_answer(None, context), lines=lines),
    ]


def _header(lead: Reader, context: Context) -> Header:
    status = _STATUS.get(lead["status_id"].number(), "open")
    created = lead["created_at"].seconds()
    closed = lead.maybe("closed_at", Reader.seconds) if status == "completed" else None
    occurred = closed or created
    return Header(
        kind="deal",
        status=status,
        number=lead.maybe("name", Reader.label),
        occurred_at=occurred,
        provider_at=created,
        currency=context.currency,
        location=Mention(external_id=context.location) if context.location else None,
        employee=_employee(lead),
        channel="crm",
        is_test=context.is_test,
        total=lead.maybe("price", Reader.positive, context.currency),
        anomalies=() if is_plausible(occurred, context) else ("clock",),
    )


def _employee(lead: Reader) -> Mention | None:
    """Return who answers for a lead; 0 is nobody."""
    found = lead.get("responsible_user_id")
    return Mention(external_id=found.number()) if found and found.value != 0 else None


def _contact(lead: Reader) -> str | None:
    """Return the main contact, else the first."""
    embedded = lead.get("_embedded")
    linked = list(embedded.items("contacts")) if embedded else []
    main = [one for one in linked if one.maybe("is_main", Reader.boolean)]
    return next((one["id"].number() for one in main or linked), None)


def _customer(lead: Reader) -> CustomerLink | None:
    """Return the link; an answer without contacts states nothing of it, an empty list that the
    lead has none."""
    embedded = lead.get("_embedded")
    if embedded is None or embedded.get("contacts") is None:
        return None
    contact = _contact(lead)
    return CustomerLink(customer=None if contact is None else Mention(external_id=contact))


def _lines(lead: Reader) -> tuple[Line, ...] | None:
    embedded = lead.get("_embedded")
    if embedded is None or embedded.get("catalog_elements") is None:
        return None
    return tuple(
        Line(product=Mention(external_id=element["id"].number()), quantity=_quantity(element))
        for element in embedded["catalog_elements"]
    )


def _quantity(element: Reader) -> Decimal | None:
    """Return how many; older answers tell it in the element's metadata."""
    metadata = element.get("metadata")
    inside = metadata if metadata and isinstance(metadata.value, dict) else None
    return element.maybe("quantity", parts.quantity) or (
        inside.maybe("quantity", parts.quantity) if inside else None
    )
