"""The envelope of what a provider answered us: staged as a delivery, split like one.

    {"kind": "deal", "id": "42", "outcome": "read", "answers": [<the provider's own JSON>, …]}

``outcome`` is ``read``, ``missing`` (no such object any more) or ``listed`` (one page of a list;
``id`` is empty). The provider's texts stand in it byte for byte.
"""

import json
from collections.abc import Callable, Sequence

from sales.drafts import Draft, ReferenceDraft, ReferenceKind, RefundDraft, SaleDraft, Version

from .clocks import version_of_absence
from .contract import Context, Delivery, Event, Normaliser
from .reading import Reader, parse_json
from .strict import texts_of

#: How the type of an event ends that is a page of a list.
LISTED = ".listed"
OUTCOMES = frozenset({"read", "missing", "listed"})


def envelope(kind: str, external_id: str, outcome: str, answers: Sequence[bytes]) -> bytes:
    """Return the body of a delivery with these answers; each is a JSON text."""
    head = json.dumps({"kind": kind, "id": external_id, "outcome": outcome}, ensure_ascii=False)
    return head[:-1].encode() + b', "answers": [' + b", ".join(answers) + b"]}"


def texts(body: bytes) -> list[bytes]:
    """Return the provider's own texts in an envelope, byte for byte."""
    text = body.decode()
    return texts_of(text, text.index("[", text.index('"answers":')))


def split(delivery: Delivery) -> list[Event]:
    """Return the one event of an answer. Its key names the time of asking: the same content read
    again later is another statement."""
    body = Reader(parse_json(delivery.body))
    kind, outcome = body["kind"].text(100), body["outcome"].one_of(OUTCOMES)
    name = body["id"].text(200)
    sent = delivery.answered.sent if delivery.answered else 0
    return [Event(key=f"{kind}:{name}:{sent}", type=f"{kind}.{outcome}", payload=body.value)]


def answers_of(event: Event) -> list[Reader]:
    """Return the answers of one read; there is at least one."""
    answers = Reader(event.payload)["answers"]
    found = list(answers)
    if not found:
        raise answers.refuse("empty")
    return found


def missing(gone: Callable[[str, Version], Draft]) -> Normaliser:
    """Return the normaliser of an answer that knows no such object: ``missing(sale_gone)``."""

    def normalise(event: Event, context: Context, /) -> Sequence[Draft]:
        return (gone(Reader(event.payload)["id"].id(), version_of_absence(context)),)

    return normalise


def sale_gone(name: str, at: Version) -> SaleDraft:
    """State that a sale is gone."""
    return SaleDraft(external_id=name, version=at, gone=True)


def refund_gone(name: str, at: Version) -> RefundDraft:
    """State that a refund is gone."""
    return RefundDraft(external_id=name, version=at, gone=True)


def customer_gone(name: str, at: Version) -> ReferenceDraft:
    """State that a customer is gone."""
    return ReferenceDraft(kind=ReferenceKind.CUSTOMER, external_id=name, version=at, gone=True)
