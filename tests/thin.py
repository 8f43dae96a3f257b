"""A thin CRM made for tests: its events name a deal, and its API tells what the deal is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Delivery
from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.clocks import EPOCH, version_of_absence, version_of_answer
from integrations.contract import Context, Event, Provider, Read, Statement
from sales.drafts import Header, SaleDraft
from tasks.models import Fetch
from tasks.pipeline import settle
from tests.played import Request, Said
from tests.settling import TOY

HOST = "api.thin.example"
SECRET = "the-key-of-the-api"
#: The microseconds of a time of the CRM's clock: seconds after its first day.
DAY = datetime(2026, 11, 2, 12, tzinfo=UTC)


def at(seconds: float) -> int:
    """Return the clock of a moment, in microseconds since 1970."""
    return (DAY + timedelta(seconds=seconds) - EPOCH) // timedelta(microseconds=1)


def _told(event: Event, context: Context) -> list[Statement]:
    payload = event.payload
    clock = payload.get("at")
    return [
        Read(
            "deal",
            str(payload["deal"]),
            None if clock is None else at(clock),
            deleted=payload.get("deleted", False),
            settle=payload.get("settle"),
        )
    ]


def _read(event: Event, context: Context) -> list[Statement]:
    deal = event.payload["answers"][0]
    return [_draft(deal, context)]


def _listed(event: Event, context: Context) -> list[Statement]:
    return [_draft(deal, context) for deal in event.payload["answers"][0]["deals"]]


def _draft(deal: Mapping[str, Any], context: Context) -> SaleDraft:
    updated = deal.get("updated")
    moment = None if updated is None else DAY + timedelta(seconds=float(updated))
    header = Header(currency="RUB", occurred_at=DAY, total=Decimal(str(deal["total"])))
    return SaleDraft(
        external_id=str(deal["id"]), version=version_of_answer(moment, context), header=header
    )


def _missing(event: Event, context: Context) -> list[Statement]:
    name = event.payload["id"]
    return [SaleDraft(external_id=name, version=version_of_absence(context), gone=True)]


def _next(asked: Asked, replies: Sequence[Reply]) -> Call | None:
    """Ask for the deal, and for its rows where it says that it has some."""
    headers = {"Authorization": f"Bearer {asked.secret}"}
    if not replies:
        return Call(path=f"/deals/{asked.external_id}", headers=headers)
    if len(replies) == 1 and replies[0].body.get("rows"):
        return Call(path=f"/deals/{asked.external_id}/rows", headers=headers)
    return None


def _page(asked: Asked, window: Window, cursor: str | None) -> Call:
    query = (
        ("from", window.since.isoformat()),
        ("to", window.until.isoformat()),
        ("offset", cursor or "0"),
    )
    return Call(path="/deals", query=query, headers={"Authorization": f"Bearer {asked.secret}"})


def _following(reply: Reply, cursor: str | None) -> str | None:
    following = reply.body["next"]
    return None if following is None else str(following)


API = Api(
    host=lambda settings: HOST,
    budget=Budget(units=1000, seconds=1.0, at_once=4),
    reads={"deal": _next},
    lists={"deal": Listing(_page, _following)},
)
THIN = replace(
    TOY,
    slug="thin",
    title="Thin",
    api=API,
    normalisers={
        "told": _told,
        "deal.read": _read,
        "deal.missing": _missing,
        "deal.listed": _listed,
    },
)
THINS = {"thin": THIN}


def with_api(**changes: Any) -> Mapping[str, Provider]:
    """Return the providers, the thin one with another API."""
    return {"thin": replace(THIN, api=replace(API, **changes))}


@dataclass(slots=True)
class Crm:
    """What the CRM has: the JSON of each deal by its id. What is not in it is not found."""

    deals: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, request: Request) -> Said:
        """Answer like the CRM's API."""
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return Said(401, {"error": "unauthorized"})
        if request.path.endswith("/rows"):
            return Said(200, {"rows": [1, 2]}, self.headers)
        deal = self.deals.get(request.path.removeprefix("/deals/"))
        return Said(404, {}, self.headers) if deal is None else Said(200, deal, self.headers)


def told(key: str, deal: object, **more: Any) -> dict[str, Any]:
    """Return the thin event that something happened to a deal."""
    return {"id": key, "type": "told", "deal": deal, **more}


def make_thin(slug: str = "crm", secret: str | None = SECRET) -> Source:
    """Make an account with one source of the thin CRM."""
    account = Account.objects.create(slug=slug, title=slug)
    with scoped([account.pk]):
        source = Source.objects.create(account=account, provider="thin", title="CRM")
        if secret is not None:
            endpoints.give_api_secret(source, secret)
    return source


def reads(source: Source) -> list[Fetch]:
    """Return the pending reads of a source."""
    with scoped([source.account_id]):
        return list(Fetch.objects.filter(source=source).order_by("id"))


@contextmanager
def the_read(source: Source) -> Iterator[Fetch]:
    """Change the one pending read of a source, and save it."""
    with scoped([source.account_id]):
        row = Fetch.objects.get(source=source)
        yield row
        row.save()


def answers_of(source: Source) -> list[Delivery]:
    """Return the answers that are staged, oldest first."""
    with scoped([source.account_id]):
        return list(Delivery.objects.filter(source=source).exclude(origin="push").order_by("id"))


def settle_answers(source: Source, providers: Mapping[str, Provider]) -> None:
    """Settle the answers that are staged."""
    settle([one.pk for one in answers_of(source)], providers=providers)


def envelope_of(answer: Delivery) -> Any:
    """Return the JSON of a staged answer."""
    return json.loads(bytes(answer.body))
