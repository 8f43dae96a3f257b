"""Hooks of an account: ``entity[action][index]…``, several in one form (read 2026-11).

A hook knows much of a lead, but neither when it was closed nor what was sold: a part of the header
is no statement, so each asks for a read. Nothing numbers a hook; the same body is the same hook.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integrations.answers import customer_gone, missing, sale_gone
from integrations.clocks import micros
from integrations.contract import Context, Delivery, Event, Normaliser, Read
from integrations.forms import parse_form, path_of
from integrations.reading import Reader

from . import contacts, leads

IGNORED = frozenset({"contacts.note", "leads.note", "message.add"})
#: The member of a form that says whose hook it is.
_ACCOUNT = "account"


def split(delivery: Delivery) -> list[Event]:
    """Return an event for each entity of a hook, in the order of the form."""
    form = Reader(parse_form(delivery.body))
    digest = hashlib.sha256(delivery.body).hexdigest()
    subdomain = _subdomain(form)
    found = [
        Event(
            key=f"{digest}:{entity}.{action}:{index}"[:200],
            type=f"{entity}.{action}"[:100],
            payload={
                "place": path_of((entity, action, index)),
                "item": item.value,
                "subdomain": subdomain,
            },
            occurred_at=None,
            merchant=subdomain,
        )
        for entity, action, index, item in _entities(form)
    ]
    if not found:
        raise form.refuse("a hook about nothing")
    return found


def _subdomain(form: Reader) -> str | None:
    account = form.get(_ACCOUNT)
    return None if account is None else account.maybe("subdomain", Reader.id)


def _entities(form: Reader) -> Iterator[tuple[str, str, str, Reader]]:
    """Go over entity, action, index and content; a hook counts from 0, or by what it likes."""
    for entity, actions in form.members():
        if entity != _ACCOUNT:
            for action, items in actions.members():
                for index, item in _members(items):
                    yield entity, action, index, item


def _members(items: Reader) -> Iterator[tuple[str, Reader]]:
    if isinstance(items.value, list):
        return ((str(index), item) for index, item in enumerate(items))
    return items.members()


def _item(event: Event, context: Context) -> Reader:
    """Return what a hook says of one entity; a hook of another account is refused."""
    payload: Mapping[str, Any] = event.payload
    given, host = payload["subdomain"], context.settings.get("subdomain")
    if host and given and given.lower() != host.partition(".")[0]:
        raise Reader(given, "account.subdomain").refuse(f"not {host}, the account of this source")
    return Reader(payload["item"], payload["place"])


def _hint(kind: str) -> Normaliser:
    """Return the normaliser of a hook that asks for a read, as new as the hook says."""

    def normalise(event: Event, context: Context, /) -> Sequence[Read]:
        item = _item(event, context)
        name, changed = item["id"].number(), item.maybe("last_modified", Reader.seconds)
        if kind == "contact" and item.maybe("type", Reader.text) == "company":
            return ()
        return (Read(kind, name, clock=None if changed is None else micros(changed)),)

    return normalise


def _deleted(kind: str) -> Normaliser:
    """Return the normaliser of a deletion: it has no date, so the reading dates it."""

    def normalise(event: Event, context: Context, /) -> Sequence[Read]:
        return (Read(kind, _item(event, context)["id"].number(), deleted=True),)

    return normalise


_CHANGES = ("add", "update", "restore", "responsible")
NORMALISERS: Mapping[str, Normaliser] = {
    **dict.fromkeys([f"leads.{action}" for action in (*_CHANGES, "status")], _hint("lead")),
    **dict.fromkeys([f"contacts.{action}" for action in _CHANGES], _hint("contact")),
    "leads.delete": _deleted("lead"),
    "contacts.delete": _deleted("contact"),
    "lead.read": leads.stated,
    "lead.listed": leads.listed,
    "lead.missing": missing(sale_gone),
    "contact.read": contacts.stated,
    "contact.listed": contacts.listed,
    "contact.missing": missing(customer_gone),
}
