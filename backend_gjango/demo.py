"""The demonstration: an account whose tills send the recorded samples through the real endpoints.

It is the one account that can be dropped with its staging.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from secrets import token_hex

import httpx
from django.db import connection, transaction

from accounts.commandline import every_account
from accounts.models import DEMO, Account, Source, SourceState
from accounts.rls import scoped
from ingest.limits import from_environment
from integrations import days
from integrations.contract import API, Provider
from integrations.registry import PROVIDERS, get
from integrations.samples import load, settings
from sales.models import Sale
from tasks.sending import Sent, send, target_of
from tasks.source_secrets import needs_secret
from tasks.source_settings import read_settings
from tasks.sources import add_source, connectable, give_secret

TITLE = "Демонстрация"
#: Noted in a source's settings when all its samples were sent, so that a second time sends none.
_SENT = "demo_sent"
_LOCK_TIMEOUT = "2s"
_WAITING = """
SELECT (SELECT count(*) FROM ingest_inbox WHERE account_id = %s)
  + (SELECT count(*) FROM tasks_fetch f JOIN accounts_source s ON s.id = f.source_id
     WHERE f.account_id = %s AND s.provider = ANY(%s) AND f.attempts = 0 AND f.lagged = 0
       AND (f.due_at <= now() OR f.token IS NOT NULL))
"""

Progress = Callable[[int, int], None]


class DemoRefused(Exception):
    """The account of this name is not ours to touch."""


@dataclass(frozen=True, slots=True)
class Made:
    """What ``add`` did: deliveries sent, those not accepted, deliveries still unsettled, sales."""

    sent: int
    refused: tuple[Sent, ...]
    waiting: int
    sales: int


def find() -> Account | None:
    """Return the account of the demonstration. Raises DemoRefused where it is somebody's own."""
    account = Account.objects.filter(slug=DEMO).first()
    if account is not None and not account.is_test:
        raise DemoRefused(
            f"Аккаунт «{DEMO}» не тестовый, его не трогаем / "
            f"Account {DEMO!r} is not a test one: left alone"
        )
    return account


def add(to: str, *, limit: float, progress: Progress) -> Made:
    """Make what is missing of the demonstration and wait until it is settled.

    ``to`` is the server's address, ``limit`` bounds the waiting, in seconds. Raises CannotSend
    and DemoRefused; run again, it goes on where it stopped.
    """
    account = find() or Account.objects.create(slug=DEMO, title=TITLE, is_test=True)
    sources = [_source(account, slug) for slug in connectable()]
    unsent = [source for source in sources if _SENT not in source.settings]
    total = sum(len(load(source.provider)) for source in unsent)
    answers: list[Sent] = []
    with httpx.Client() as client:
        for source in unsent:
            for sent in _send_all(client, source, to):
                answers.append(sent)
                progress(len(answers), total)
            _note_sent(source)
    waiting = _settled(account, limit) if answers else _waiting(account)
    refused = tuple(sent for sent in answers if sent.status != sent.expected)
    return Made(len(answers), refused, waiting, count_sales(account))


def count_sales(account: Account) -> int:
    """Return how many sales of the account are in the lists."""
    with scoped([account.pk]):
        return Sale.objects.filter(account=account, visible=True).count()


def _source(account: Account, slug: str) -> Source:
    with scoped([account.pk]):
        found = Source.objects.filter(account=account, provider=slug).first()
        return found or _connected(account, get(slug))


def _connected(account: Account, provider: Provider) -> Source:
    """Connect a till, with what its recorded day is played with where it is to be asked."""
    day = days.load(provider.slug)
    given = {**settings(provider.slug), **day.settings}
    columns = read_settings([f"{name}={text}" for name, text in given.items()], provider)
    source, secret = add_source(account, provider, title=f"{provider.title}: demo", columns=columns)
    if secret is None and needs_secret(provider.of(source.settings)):
        give_secret(source, token_hex(32))
    if day.api_secret is not None:
        give_secret(source, day.api_secret, kind=API)
    return source


def _send_all(client: httpx.Client, source: Source, to: str) -> Iterator[Sent]:
    with scoped([source.account_id]):
        target = target_of(source, to=to)
    for sample in load(source.provider).values():
        yield send(client, target, sample)


def _note_sent(source: Source) -> None:
    with scoped([source.account_id]):
        source.settings = {**source.settings, _SENT: True}
        source.save(update_fields=["settings"])


def _settled(account: Account, limit: float) -> int:
    """Wait until all of the account is asked and settled; return how much still is not."""
    deadline = time.monotonic() + limit
    while (left := _waiting(account)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _waiting(account: Account) -> int:
    """Count what is not settled, and what was never asked: as of one moment, for each makes some
    of the other. What is to be asked again later is waited for by nobody."""
    asked = [slug for slug, provider in PROVIDERS.items() if provider.api is not None]
    with scoped([account.pk]), connection.cursor() as cursor:
        cursor.execute(_WAITING, [account.pk, account.pk, asked])
        return int(cursor.fetchall()[0][0])


def remove(account: Account) -> dict[str, int]:
    """Drop the account with everything of it, its staging included. Runs as the owner.

    Returns the rows dropped by table. First the sources are disabled, and the receivers given
    the time to hear of it, so that nothing is staged for an account that is gone. Raises
    DemoRefused where another account's source is connected below an app of it.
    """
    _check_children(account)
    _disable(account)
    time.sleep(from_environment().source_cache_seconds + 0.5)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        # Settling locks its inbox rows: what is under way ends first.
        dropped = {"ingest_inbox": _delete("ingest_inbox", account)}
        for partition in _partitions_of(account):
            dropped[partition] = _delete_staged(partition, account)
        _unroute(account)
        for table in _tables():
            dropped[table] = _delete(table, account)
        cursor.execute("DELETE FROM accounts_account WHERE id = %s AND is_test", [account.pk])
    return {table: count for table, count in dropped.items() if count}


def _check_children(account: Account) -> None:
    """Refuse to take an app away from under other accounts' merchants."""
    with every_account():
        children = Source.objects.filter(parent__account=account).exclude(account=account)
        found = sorted(children.values_list("account__slug", "id"))
    if found:
        listed = ", ".join(f"{slug} ({source})" for slug, source in found)
        raise DemoRefused(
            f"К приложению в «{DEMO}» подключены источники других аккаунтов: {listed} / "
            f"Sources of other accounts are connected below an app of {DEMO!r}: {listed}"
        )


def _unroute(account: Account) -> None:
    """Let merchants of other accounts' apps wait again whose sources go with this account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_routed SET child_id = NULL, routed_id = NULL WHERE account_id <> %s"
            " AND child_id IN (SELECT id FROM accounts_source WHERE account_id = %s)",
            [account.pk, account.pk],
        )


def _disable(account: Account) -> None:
    with scoped([account.pk]):
        Source.objects.filter(account=account).update(state=SourceState.DISABLED)


def _delete(table: str, account: Account) -> int:
    with connection.cursor() as cursor:
        # Names come from the catalogue or from the list above.
        cursor.execute(f'DELETE FROM "{table}" WHERE account_id = %s', [account.pk])  # noqa: S608
        return int(cursor.rowcount)


def _delete_staged(partition: str, account: Account) -> int:
    """Delete from one partition with its guards down, for this statement of this transaction.

    The ALTER locks every other writer out until the commit, so that nobody else passes; a
    rollback brings the guards back. No door stays in the wall, as a function that may delete
    would be one.
    """
    _switch(partition, "DISABLE TRIGGER")
    count = _delete(partition, account)
    _switch(partition, "ENABLE ALWAYS TRIGGER")
    return count


def _switch(partition: str, change: str) -> None:
    with connection.cursor() as cursor:
        for trigger in ("append_only", "own_append_only"):
            cursor.execute(f'ALTER TABLE "{partition}" {change} {trigger}')


def _partitions_of(account: Account) -> Sequence[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tableoid::regclass::text FROM ingest_delivery"
            " WHERE account_id = %s ORDER BY 1",
            [account.pk],
        )
        return [name for (name,) in cursor.fetchall()]


def _tables() -> Sequence[str]:
    """Return all tables of an account but staging, sources last: secrets point to them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE a.attname = 'account_id' AND c.relkind = 'r' AND NOT c.relispartition"
            " AND c.relnamespace = 'public'::regnamespace AND c.relname !~ '^ingest_delivery'"
            " ORDER BY c.relname = 'accounts_source', c.relname"
        )
        return [name for (name,) in cursor.fetchall()]
