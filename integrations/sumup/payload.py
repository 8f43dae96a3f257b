"""Notices of checkouts. Anybody may send one, and the older form has neither a time nor an id of
its own: whatever it says, the checkout is read (developer.sumup.com, read 2026-11).
"""

from collections.abc import Mapping, Sequence

from integrations.answers import answers_of, missing, sale_gone
from integrations.contract import Context, Delivery, Event, Normaliser, Read, Statement
from integrations.reading import Reader, parse_json

from . import transactions

#: A notice may be ahead of what the API says: read a second time after so many seconds of quiet.
_SETTLE = 10.0


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a notice, in its older form or the newer one."""
    body = Reader(parse_json(delivery.body))
    kind = body["event_type"].text(100)
    return [
        Event(
            key=f"{body['id'].id()}:{kind}",
            type=kind,
            payload=body.value,
            occurred_at=body.maybe("timestamp", Reader.time),
        )
    ]


def _changed(event: Event, context: Context, /) -> Sequence[Read]:
    return (_checkout(Reader(event.payload)["id"]),)


def _updated(event: Event, context: Context, /) -> Sequence[Read]:
    return (_checkout(Reader(event.payload)["payload"]["checkout_id"]),)


def _checkout(name: Reader) -> Read:
    return Read("checkout", _plain(name), settle=_SETTLE)


def _plain(name: Reader) -> str:
    """Return an id that can stand in a path."""
    found = name.id(64)
    if not found.replace("-", "").isalnum() or not found.isascii():
        raise name.refuse("an id of letters, digits and dashes is needed / нужен код")
    return found


def _named(event: Event, context: Context, /) -> Sequence[Statement] | None:
    """Ask for the transactions of a checkout; one that nobody tried to pay has none."""
    return [
        Read("transaction", _plain(one["id"]))
        for checkout in answers_of(event)
        for one in checkout.items("transactions")
    ] or None


def _listed(event: Event, context: Context, /) -> Sequence[Statement] | None:
    """Ask for the payments of a page: a refund is told of by the payment it is of."""
    return [
        Read("transaction", _plain(one["id"]))
        for page in answers_of(event)
        for one in page.items("items")
        if one.maybe("type", Reader.text, 50) in (None, "PAYMENT")
    ] or None


def _no_checkout(event: Event, context: Context, /) -> None:
    """Say nothing: a checkout that nobody knows has paid nothing."""
    return


NORMALISERS: Mapping[str, Normaliser] = {
    "CHECKOUT_STATUS_CHANGED": _changed,
    "checkout.status.updated": _updated,
    "checkout.read": _named,
    "checkout.missing": _no_checkout,
    "transaction.read": transactions.stated,
    "transaction.missing": missing(sale_gone),
    "transaction.listed": _listed,
}
