"""Persons of a company: the customers of its deals."""

from collections.abc import Sequence

from integrations.answers import answers_of
from integrations.clocks import version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import ReferenceDraft, ReferenceKind


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a person; of several phones the primary one, else the first."""
    person = answers_of(event)[0]["data"]
    is_gone = person.maybe("is_deleted", Reader.boolean) or False
    content = {
        "name": person.maybe("name", Reader.label),
        "phone": _first(person, "phones"),
        "email": _first(person, "emails"),
    }
    return (
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=person["id"].number(),
            version=version_of_answer(person["update_time"].time("UTC"), context),
            content=None if is_gone else content,
            gone=is_gone,
        ),
    )


def _first(person: Reader, key: str) -> str | None:
    told = [one for one in person.items(key) if one.maybe("value", Reader.label)]
    told.sort(key=lambda one: not one.maybe("primary", Reader.boolean))
    return told[0].maybe("value", Reader.label) if told else None
