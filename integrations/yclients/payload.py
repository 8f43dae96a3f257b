"""Events ``{company_id, resource, resource_id, status, data}`` (developer.alteg.io, read 2026-11).

Each tells the whole object, also when it is deleted. Nothing numbers an event and none is sent
twice: what it is about, what became of it and its body are its key.
"""

from collections.abc import Callable, Mapping, Sequence

from integrations.contract import Context, Delivery, Event, Normaliser, Statement
from integrations.reading import Reader, parse_json

from . import clients, goods, money, visits

_CREATE, _UPDATE, _DELETE = "create", "update", "delete"
_STATUSES = frozenset({_CREATE, _UPDATE, _DELETE})
#: Moves of a stock that are no sale, and hours of work, whose events tell nothing.
IGNORED = frozenset(
    {
        "goods_operations_receipt",
        "goods_operations_consumable",
        "goods_operations_stolen",
        "goods_operations_move",
        "schedule",
    }
)


def split(delivery: Delivery) -> list[Event]:
    """Return the one event of a delivery."""
    body = Reader(parse_json(delivery.body))
    resource, status = body["resource"].id(100), body["status"].one_of(_STATUSES)
    key = f"{resource}:{body['resource_id'].number()}:{status}"
    return [Event(key=key, type=resource, payload=body.value)]


def _pushed(read: Callable[..., Sequence[Statement] | None]) -> Normaliser:
    """Return the normaliser of an event; one of another company than the source's is refused."""

    def normalise(event: Event, context: Context, /) -> Sequence[Statement] | None:
        body = Reader(event.payload)
        company, expected = body["company_id"], context.settings.get("company")
        if expected and company.number() != expected:
            raise company.refuse(f"not {expected}, the company of this source")
        gone = body["status"].one_of(_STATUSES) == _DELETE
        return read(body["data"], company.number(), context, gone=gone)

    return normalise


def _goods_listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """State the sales among the goods operations of a page: no operation names its company."""
    company = context.settings.get("company")
    return [
        statement
        for answer in Reader(event.payload)["answers"]
        for data in answer["data"]
        for statement in goods.listed(data, company, context)
    ]


def _visits_listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """State the visits of a page, which are whole."""
    return [
        statement
        for answer in Reader(event.payload)["answers"]
        for data in answer["data"]
        for statement in visits.stated(data, data["company_id"].number(), context, gone=False)
    ]


NORMALISERS: Mapping[str, Normaliser] = {
    goods.KIND: _pushed(goods.pushed),
    visits.KIND: _pushed(visits.stated),
    money.KIND: _pushed(money.stated),
    "client": _pushed(clients.stated),
    f"{goods.KIND}.listed": _goods_listed,
    f"{visits.KIND}.listed": _visits_listed,
}
