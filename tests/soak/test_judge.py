"""The judge and the workload are right: each kind of damage is found, and nothing else is.

The model of every till is held against the product without any process or fault in between.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
import pytest

from accounts.models import Source
from accounts.rls import scoped
from tasks import pipeline
from tests import hearing
from tests.settling import make_source, put

from . import workload
from .checker import sales, staging
from .faults import plan
from .model import Message, Till, Wanted
from .tills import PURCHASES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    """A connection of the judge's own, as the owner of the tables."""
    with hearing.owner() as found:
        yield found


def tell(source: Source, message: Message) -> UUID:
    """Stage a message as the receiver would."""
    headers = {**message.headers, "webhook-id": message.key}
    block = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    return put(source, message.body, headers=block)[0]


def till_of(provider: str) -> tuple[Till, Source]:
    till = next(one for one in workload.TILLS if one.provider == provider)
    source = make_source(till.name, provider)
    with scoped([source.account_id]):
        Source.objects.filter(pk=source.pk).update(currency=till.currency, timezone=till.zone)
    return till, source


def sell(provider: str, count: int = 60) -> tuple[Source, dict[tuple[str, str], Wanted]]:
    """Tell purchases in any order, some twice, and settle them."""
    till, source = till_of(provider)
    chance = Random(provider)
    receipts = [PURCHASES[provider](till, chance, number) for number in range(1, count)]
    messages = [message for one in receipts for message in one.messages]
    chance.shuffle(messages)
    ids = [tell(source, message) for message in messages + messages[:20]]
    for start in range(0, len(ids), 25):
        pipeline.settle(ids[start : start + 25])
    return source, {one.wanted.key: one.wanted for one in receipts}


@pytest.mark.parametrize("provider", sorted(PURCHASES))
def test_every_till_ends_as_its_model_says(provider: str, owner: psycopg.Connection) -> None:
    source, wanted = sell(provider)

    found = sales.compare(owner, wanted, {source.pk: next(iter(wanted))[0]})

    assert found.examples == []
    assert found.right == len(wanted)
    assert set(found.money.values()) == {0}
    assert sum(one.refunded > 0 for one in wanted.values()) > 5


_RENAMED = "UPDATE sales_sale SET external_id = 'x' WHERE external_id = %s"
_DAMAGES = (
    ("UPDATE sales_sale SET net_total = net_total + 0.01 WHERE external_id = %s", "wrong", "0.01"),
    (_RENAMED, "missing", "0"),
    (_RENAMED, "doubled", "0"),
    (
        "INSERT INTO sales_saleline (sale_id, pos, account_id, stamp) "
        "SELECT id, 99, account_id, '' FROM sales_sale WHERE external_id = %s",
        "wrong",
        "0",
    ),
    (
        "INSERT INTO sales_payment (id, account_id, source_id, external_id, sale_id) "
        "SELECT gen_random_uuid(), account_id, source_id, 'again', id "
        "FROM sales_sale WHERE external_id = %s",
        "doubled",
        "0",
    ),
)


@pytest.mark.parametrize(("damage", "field", "money"), _DAMAGES)
def test_damaged_sales_are_found(
    damage: str, field: str, money: str, owner: psycopg.Connection
) -> None:
    source, wanted = sell("standard", 30)
    victim = next(one for one in wanted.values() if one.counts)

    owner.execute(damage, [victim.external_id])

    found = sales.compare(owner, wanted, {source.pk: victim.till.name})
    assert getattr(found, field) == 1
    assert sum(found.money.values()) == Decimal(money)


def journal(path: Path, *bodies: bytes, source: str = "till") -> Path:
    """Write the journal of a sender whose deliveries with these bodies were acknowledged."""
    file = path / "journal.jsonl"
    told = [{"source": source, "sha256": hashlib.sha256(body).hexdigest()} for body in bodies]
    file.write_text("".join(json.dumps(line) + "\n" for line in told))
    return file


def judged(
    owner: psycopg.Connection, path: Path, source: Source, sent: list[bytes]
) -> staging.Staging:
    known = Counter(("till", hashlib.sha256(body).hexdigest()) for body in sent)
    return staging.compare(owner, path, known, {source.pk: "till"})[0]


def test_an_acknowledged_delivery_that_is_not_in_staging_is_lost(
    tmp_path: Path, owner: psycopg.Connection
) -> None:
    source = make_source()
    put(source, b"one")

    found = judged(owner, journal(tmp_path, b"one", b"one", b"two"), source, [b"one", b"two"])

    # The second "one" was acknowledged as well, and has no row of its own.
    assert (found.lost, found.unexpected, found.recovered) == (2, 0, 0)


def test_a_staged_delivery_is_recovered_where_it_was_sent_and_unexpected_where_it_was_not(
    tmp_path: Path, owner: psycopg.Connection
) -> None:
    source = make_source()
    put(source, b"sent", b"never sent")

    found = judged(owner, journal(tmp_path), source, [b"sent"])

    assert (found.lost, found.unexpected, found.recovered) == (0, 1, 1)
    assert found.pending == 2


def test_an_event_that_counts_twice_is_a_doubled_effect(owner: psycopg.Connection) -> None:
    source, wanted = sell("square", 5)
    name = next(iter(wanted))[0]
    found = sales.compare(owner, wanted, {source.pk: name})

    sales.settle(owner, found, Counter({(name, "sale"): 3}), {}, {source.pk: name})

    row = owner.execute("SELECT count(*) FROM tasks_event").fetchone()
    assert row is not None
    assert (found.doubled, found.events_missing) == (row[0] - 3, row[0] - 3)
    assert row[0] > 3


def test_a_sale_shown_to_another_account_is_found(owner: psycopg.Connection) -> None:
    source, wanted = sell("square", 5)
    found = sales.compare(owner, wanted, {source.pk: next(iter(wanted))[0]})
    shown = [key for key, one in wanted.items() if not one.deleted]

    sales.listed(found, wanted, "soak-b", shown)
    assert (found.doubled, found.missing) == (0, 0)

    sales.listed(found, wanted, "soak-a", shown[:1])
    assert found.doubled == 1


def test_a_seed_decides_the_workload_and_the_faults() -> None:
    one, same, other = (workload.make(seed, 20, 60) for seed in (1, 1, 2))

    assert [due.message and due.message.body for due in one.due] == [
        due.message and due.message.body for due in same.due
    ]
    assert [due.at for due in one.due] != [due.at for due in other.due]
    assert plan(1, 600, ["redis", "disk"]) == plan(1, 600, ["redis", "disk"])
    assert plan(1, 600, ["redis", "disk"]) != plan(2, 600, ["redis", "disk"])


def test_ten_minutes_hold_every_fault_and_the_promised_mixture() -> None:
    made, strikes = workload.make(1, 600, 20), plan(1, 600, ["redis", "disk"])

    shares = made.shares()
    assert shares["duplicates_or_disorder"] >= 30
    assert shares["refunds"] + shares["edits_by_hand"] >= 10
    assert 0.7 <= shares["tampered"] <= 1.3
    assert len(strikes) >= 25
    assert {one.fault.name for one in strikes} >= {"PostgreSQL disk full", "kill -9 worker child"}
    assert {one.till.account for one in made.wanted.values()} == {"soak-a", "soak-b", "soak-c"}
