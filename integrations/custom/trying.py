"""What a request would become by a description, field by field, without keeping anything."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from integrations.contract import (
    Context,
    Delivery,
    Event,
    IntegrationError,
    PayloadUnrecognised,
    Provider,
)
from integrations.edits import canonical

from .description import Description
from .fields import Action
from .mapping import Told, items
from .payload import told

_SHOWN = 200


def tried(
    provider: Provider, description: Description, delivery: Delivery, context: Context
) -> dict[str, Any]:
    """Return each record's outcome, fields and statements; ``error`` where there are no records.

    ``provider`` is the one that the description makes.
    """
    try:
        events = provider.split(delivery)
    except PayloadUnrecognised as error:
        return {"records": [], "error": _error(error)}
    return {
        "records": [_record(provider, description, event, context) for event in events],
        "error": None,
    }


def _record(
    provider: Provider, description: Description, event: Event, context: Context
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "place": event.payload.place,
        "key": event.key,
        "type": event.type,
        "outcome": "unsupported",
        "error": None,
        "documents": [],
        "states": [],
    }
    actions = description.types.get(event.type)
    if actions is None:
        return shown
    shown["documents"] = [
        document
        for action in actions
        for document in _documents(description, event, action, context)
    ]
    try:
        normalise = provider.normalisers.get(event.type)
        stated = () if normalise is None else normalise(event, context) or ()
    except IntegrationError as error:
        return shown | {"outcome": "refused", "error": _error(error)}
    states = [{type(one).__name__: canonical(one)} for one in stated]
    return shown | {"outcome": "read" if states else "ignored", "states": states}


def _documents(
    description: Description, event: Event, action: Action, context: Context
) -> Iterator[dict[str, Any]]:
    section = description.sections[action.document]
    scope = event.payload.scope(context.currency)
    try:
        found = items(section.each, scope)
    except PayloadUnrecognised:
        return  # its normaliser says why
    for at in found:
        trail = told(section, action, scope.inside(at))
        yield {"as": action.event, "fields": [_field(one) for one in trail]}


def _field(one: Told) -> dict[str, Any]:
    return {
        "field": one.target.removeprefix("data.") if one.target != "data" else "",
        "setting": one.setting,
        "path": one.place,
        "found": one.found,
        "given": _plain(one.given),
        "value": _plain(one.became),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return f"{str(value)[:_SHOWN]}" if isinstance(value, str | dict | list) else value


def _error(error: IntegrationError) -> dict[str, str]:
    if isinstance(error, PayloadUnrecognised):
        return {"path": error.path, "reason": error.reason}
    return {"path": "$", "reason": str(error)}
