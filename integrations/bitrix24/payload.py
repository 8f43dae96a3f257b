"""Events of a portal: each names an entity and says nothing of it (b24restdocs, read 2026-11).

``ts`` is when the event was sent: it dates a deletion, and never a content.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from integrations.answers import customer_gone, missing, sale_gone
from integrations.clocks import version
from integrations.contract import Context, Delivery, Event, Normaliser, Read
from integrations.forms import parse_form
from integrations.reading import Reader
from sales.drafts import Draft, Rank, Version

from . import contacts, deals

IGNORED = frozenset({"ONAPPINSTALL", "ONAPPTEST", "ONAPPUNINSTALL"})
#: Rows of a deal have no clock of their own: after so many seconds of quiet they are read again.
SETTLE = 10.0
_SECOND = timedelta(seconds=1)


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a delivery; it has no id, so what it says and when is its key."""
    form = Reader(parse_form(delivery.body))
    kind, sent = form["event"].text(100).upper(), form["ts"].seconds()
    return [
        Event(
            key=f"{kind}:{_subject(form)}:{int(sent.timestamp())}",
            type=kind,
            payload=form.value,
            occurred_at=sent,
            merchant=form["auth"].maybe("member_id", Reader.id),
        )
    ]


def _subject(form: Reader) -> str:
    """Return the number of the entity, empty where the event is about none."""
    data = form.get("data")
    fields = data.get("FIELDS") if data and isinstance(data.value, dict) else None
    return fields.maybe("ID", Reader.id) or "" if fields else ""


def _named(event: Event, context: Context) -> str:
    """Return the number that an event of this source's portal names."""
    form = Reader(event.payload)
    domain, portal = form["auth"].get("domain"), context.settings.get("portal")
    if portal and domain and domain.text().lower() != portal:
        raise domain.refuse(f"not {portal}, the portal of this source")
    return form["data"]["FIELDS"]["ID"].number()


def _hint(kind: str, settle: float | None = None, *, deleted: bool = False) -> Normaliser:
    """Return the normaliser of an event that asks for a read."""

    def normalise(event: Event, context: Context, /) -> Sequence[Read]:
        return (Read(kind, _named(event, context), settle=settle, deleted=deleted),)

    return normalise


def _deleted(gone: Callable[[str, Version], Draft]) -> Normaliser:
    """Return the normaliser of a deletion: gone at the end of the second of ``ts``."""

    def normalise(event: Event, context: Context, /) -> Sequence[Draft]:
        at = version(Rank.FULL, event.occurred_at, context, round_up=_SECOND)
        return (gone(_named(event, context), at),)

    return normalise


#: Deletions that are not believed.
CONFIRM: Mapping[str, Normaliser] = {
    "ONCRMDEALDELETE": _hint("deal", deleted=True),
    "ONCRMCONTACTDELETE": _hint("contact", deleted=True),
}
NORMALISERS: Mapping[str, Normaliser] = {
    "ONCRMDEALADD": _hint("deal", SETTLE),
    "ONCRMDEALUPDATE": _hint("deal", SETTLE),
    "ONCRMDEALMOVETOCATEGORY": _hint("deal", SETTLE),
    "ONCRMDEALDELETE": _deleted(sale_gone),
    "ONCRMCONTACTADD": _hint("contact"),
    "ONCRMCONTACTUPDATE": _hint("contact"),
    "ONCRMCONTACTDELETE": _deleted(customer_gone),
    "deal.read": deals.stated,
    "deal.missing": missing(sale_gone),
    "deal.listed": deals.listed,
    "contact.read": contacts.stated,
    "contact.missing": missing(customer_gone),
}
