"""The model against a real inbox: deliveries staged as the receiver does, tables as they stand."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest.headers import decode, encode
from ingest.models import Delivery as Staged
from ingest.staging import AnswerRow, Row, stage, stage_answer
from integrations.clocks import EPOCH, micros
from integrations.contract import Answered, Delivery
from integrations.registry import PROVIDERS
from sales.merging import LocationSettings, Settings, SourceSettings
from sales.merging.deriving import Table
from sales.models import Location
from tasks import rebuilding
from tasks.rebuilding import Report
from tests import universe
from tests.comparing import assert_same, rule
from tests.heard import finish_replays

from .arrivals import Arrival, Site, flat, stated
from .histories import site_of
from .shops import Sent


def open_site(slug: str) -> Site:
    """Make an account with one source of a provider."""
    account = Account.objects.create(slug=f"{slug}-{Account.objects.count()}", title=slug)
    with scoped([account.pk]):
        source = Source.objects.create(
            account=account, provider=slug, title=slug, currency=site_of(slug, 0, 0).currency
        )
    return site_of(slug, account.pk, source.pk)


def put(site: Site, requests: Iterable[Sent]) -> list[UUID]:
    """Stage requests, each in a commit of its own."""
    connection.ensure_connection()
    found: list[UUID] = []
    for sent in requests:
        if sent.answered is not None:
            found.append(_put_answer(site, sent.body, sent.answered))
            continue
        headers = encode((name.encode(), text.encode()) for name, text in sent.headers.items())
        row = Row(
            *(site.account_id, site.source_id, "push", sent.method, sent.path),
            *(sent.query.encode(), "application/json"),
            *(headers, sent.body, hashlib.sha256(sent.body).digest()),
        )
        with connection.cursor() as cursor:
            found += stage(cursor, [row])
    return found


def _time(moment: int) -> datetime:
    return EPOCH + timedelta(microseconds=moment)


def _put_answer(site: Site, body: bytes, answered: Answered) -> UUID:
    row = AnswerRow(
        *(site.account_id, site.source_id, "fetched", body, _time(answered.sent)),
        None if answered.date is None else _time(answered.date),
        answered.over,
    )
    with connection.cursor() as cursor:
        return stage_answer(cursor, row)


def _answered(row: Staged) -> Answered | None:
    if row.read_at is None:
        return None
    return Answered(micros(row.read_at), micros(row.date) if row.date else None, row.over)


def _site(source: Source) -> Site:
    return Site(
        source.account_id,
        source.pk,
        PROVIDERS[source.provider],
        source.currency,
        source.timezone or source.account.timezone,
        source.settings,
    )


def arrivals() -> list[Arrival]:
    """Return all staged deliveries of the accounts in scope."""
    sites = {one.pk: _site(one) for one in Source.objects.select_related("account")}
    return [
        Arrival(
            row.pk,
            sites[row.source_id],
            row.received_at,
            Delivery(
                row.method,
                row.path,
                bytes(row.query).decode("latin-1"),
                decode(bytes(row.headers)),
                bytes(row.body),
                "",
                _answered(row),
            ),
        )
        for row in Staged.objects.order_by("pk")
    ]


def settings() -> Settings:
    """Return what is no statement, of the accounts in scope."""
    return Settings(
        {
            one.pk: SourceSettings(one.timezone or one.account.timezone, one.priority, one.is_test)
            for one in Source.objects.select_related("account")
        },
        {row.pk: LocationSettings(row.timezone, row.day_cutoff) for row in Location.objects.all()},
    )


def expected(without: Collection[UUID] = ()) -> dict[str, Table]:
    """Return the tables that the rule makes of all that is staged.

    ``without`` are deliveries that wait to be settled: they state nothing yet, but an event that
    they hold was first received with them.
    """
    every = arrivals()
    told = zip(every, stated(every), strict=True)
    settled = [said for arrival, said in told if arrival.id not in without]
    return universe.pure(rule(flat(settled), settings()))


def rebuilt(account_id: int) -> Report:
    """Derive an account anew beside its live rows, as ``rebuild --check`` does; what differs."""
    report = Report()
    with rebuilding.session():
        rebuilding.prepare(account_id, "account").compare(report)
    return report


def actual(account_id: int) -> dict[str, Table]:
    """Return the tables of an account."""
    with scoped([account_id]):
        return universe.read()


def assert_settled(account_ids: Sequence[int], *, without: Collection[UUID] = ()) -> None:
    """Hold the tables of accounts to the rule over everything staged, row by row.

    Replays that settling itself began are taken to their end first.
    """
    finish_replays(PROVIDERS)
    for account in account_ids:
        with scoped([account]):
            assert_same(universe.read(), expected(without))
