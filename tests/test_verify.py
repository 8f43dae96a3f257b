"""``verify`` is green on a whole database, and each of its lines turns red by itself."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account, IdempotencyKey, Source
from accounts.rls import scoped
from integrations.contract import Context, Event, Provider, Statement
from sales.drafts import (
    CustomerLink,
    Fiscal,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    PaymentDraft,
    Rank,
    Refund,
    RefundDraft,
    SaleDraft,
    Version,
)
from sales.models import Customer, Sale
from sales.models import Refund as RefundRow
from tasks import manual
from tasks.invariants import CHECKS
from tasks.invariants.base import Scope
from tasks.invariants.staging import role
from tasks.pipeline import settle
from tests.hearing import owner
from tests.settling import TOY, make_source, put

ROOT = Path(__file__).resolve().parent.parent
AT = Version(Rank.FULL, 1_789_000_000_000_000)
NOON = datetime(2026, 9, 14, 9, tzinfo=UTC)


def _rubles(amount: str, **more: Any) -> Any:
    return Payment(method="cash", amount=Decimal(amount), currency="RUB", **more)


def _refund(amount: str, **more: Any) -> Refund:
    return Refund(total=Decimal(amount), currency="RUB", occurred_at=NOON, **more)


def _document(event: Event, context: Context) -> list[Statement]:
    """A receipt with all its own parts: 120 of bread, 20 of them given back."""
    header = Header(
        currency="RUB",
        occurred_at=NOON,
        location=Mention(external_id="shop"),
        gross_total=Decimal("120.00"),
        total=Decimal("120.00"),
        fiscal=(Fiscal(fn="9999078900001234", fd="17"),),
    )
    bread = Line(
        product=Mention(external_id="bread", name="Хлеб"), gross=Decimal(120), total=Decimal(120)
    )
    money = Money(payments=(_rubles("120.00"),), refunds=(_refund("20.00"),))
    customer = CustomerLink(customer=Mention(external_id="anna"))
    return [
        SaleDraft(
            external_id="document",
            version=AT,
            header=header,
            lines=(bread,),
            money=money,
            customer=customer,
        )
    ]


def _apart(event: Event, context: Context) -> list[Statement]:
    """A payment and a refund with a life of their own; the document never came."""
    # All 50 went back by the payment's counter; a refund tells of 20 of them.
    payment = _rubles(
        "50.00", external_id="pay", paid_at=NOON, refunded_cum=Decimal(50), counted_at=NOON
    )
    refund = _refund(
        "20.00", payment_external_id="pay", fiscal=(Fiscal(fn="9999078900001234", fd="18"),)
    )
    return [
        PaymentDraft(external_id="pay", version=AT, sale_external_id="order", content=payment),
        RefundDraft(external_id="back", version=AT, content=refund),
    ]


WHOLE = Provider(
    slug="toy",
    title="Toy",
    scheme=TOY.scheme,
    split=TOY.split,
    normalisers={**TOY.normalisers, "document": _document, "apart": _apart},
    ignored=TOY.ignored,
)


def _owner_role() -> str:
    with owner() as direct:
        return direct.info.user


def run(sql: str) -> None:
    with owner() as direct:
        direct.execute(sql)


def _toy(account: Account, title: str) -> Source:
    with scoped([account.pk]):
        return Source.objects.create(account=account, provider="toy", title=title)


@pytest.fixture
def whole() -> Source:
    """A database in which every check has something to look at: settled, dead and pending."""
    source = make_source()
    other = _toy(source.account, "twin")
    bodies = [
        {"id": "e1", "type": "document"},
        {"id": "e2", "type": "apart"},
        {"id": "e3", "type": "unrecognised"},
        {"id": "e4", "type": "nothing"},
    ]
    ids = [*put(source, *bodies), *put(other, bodies[0])]
    assert settle(ids, providers={"toy": WHOLE}).total() == len(ids)
    _by_hand(source)
    put(source, {"id": "e5", "type": "document"})
    return source


def _by_hand(source: Source) -> None:
    """Edit a sale and the rows around it, and remember a key of repetition."""
    with scoped([source.account_id]):
        sale = Sale.objects.select_for_update().get(source=source, external_id="document")
        manual.edit("sale", sale, {"number": "7", "occurred_at": "2026-09-14T10:00:00+03:00"})
        customer = Customer.objects.select_for_update().get(source=source, external_id="anna")
        manual.edit("customer", customer, {"phone": "+7 900 000-00-00", "name": "Анна"})
        refund = RefundRow.objects.select_for_update().get(source=source, external_id="back")
        manual.edit("refund", refund, {"reason": "брак"})
        IdempotencyKey.objects.create(
            account=source.account, key="k-1", sha256=b"x" * 32, object_id=sale.pk
        )


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    try:
        call_command("verify", "--json", *arguments)
        code = 0
    except SystemExit as stopped:
        code = int(str(stopped.code))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    answer: dict[str, Any] = json.loads(out)
    assert answer["ok"] is (code == 0)
    return answer


def broken(answer: dict[str, Any]) -> list[str]:
    return [check["id"] for check in answer["checks"] if check["state"] != "ok"]


@dataclass(frozen=True)
class Break:
    """SQL that breaks one invariant, and what mends the schema again."""

    sql: str
    mend: str = ""
    #: Lines that cannot hold either when this one does not.
    also: list[str] = field(default_factory=list)


def _partition() -> str:
    with owner() as direct:
        row = direct.execute("SELECT tableoid::regclass::text FROM ingest_delivery").fetchone()
    assert row is not None
    return str(row[0])


def _past_the_guards(change: str) -> Callable[[], str]:
    """A change of staging with its triggers off, as only the owner can do it."""

    def sql() -> str:
        part = _partition()
        off, on = (
            ";".join(
                f"ALTER TABLE {part} {how} {name}" for name in ("append_only", "own_append_only")
            )
            for how in ("DISABLE TRIGGER", "ENABLE ALWAYS TRIGGER")
        )
        return f"BEGIN; {off}; {change.format(part=part)}; {on}; COMMIT"

    return sql


_DEAD = "(SELECT delivery_id FROM tasks_attempt WHERE outcome = 'dead')"
_FIRST = "(SELECT id FROM sales_sale WHERE external_id = 'document' ORDER BY source_id LIMIT 1)"

BREAKS: dict[str, Break | Callable[[], Break]] = {
    "I1.commits": lambda: Break(
        f"ALTER DATABASE {connection.settings_dict['NAME']} SET synchronous_commit = off",
        f"ALTER DATABASE {connection.settings_dict['NAME']} RESET synchronous_commit",
    ),
    "I13.headers": lambda: Break(
        _past_the_guards("UPDATE {part} SET headers = 'a: b\r\nAuthorization: Basic x\r\n'")()
    ),
    "I12.sequences": Break("SELECT setval(pg_get_serial_sequence('tasks_attempt', 'id'), 1)"),
    "I15.hand": Break("UPDATE sales_customer SET phone = '+7 911' WHERE hand <> '{}'"),
    "I16.keys": Break("UPDATE accounts_idempotencykey SET object_id = gen_random_uuid()"),
    "I1.staged": Break(
        "UPDATE ingest_inbox SET delivery_id = gen_random_uuid()", also=["I3.settled"]
    ),
    "I2.content": lambda: Break(_past_the_guards("UPDATE {part} SET body = body || 'x'::bytea")()),
    "I3.settled": Break("DELETE FROM ingest_inbox"),
    "I3.outcomes": Break("UPDATE tasks_attempt SET outcome = 'lost' WHERE outcome = 'ignored'"),
    "I3.ledger": Break(
        "ALTER TABLE tasks_event DROP CONSTRAINT tasks_event_once;"
        "INSERT INTO tasks_event (account_id, source_id, key, sha256, type, delivery_id)"
        " SELECT account_id, source_id, key, sha256, type, delivery_id FROM tasks_event LIMIT 1",
        "DELETE FROM tasks_event; ALTER TABLE tasks_event ADD CONSTRAINT tasks_event_once"
        " UNIQUE (account_id, source_id, key, sha256)",
    ),
    "I3.routed": Break(
        "INSERT INTO tasks_routed (account_id, source_id, delivery_id, merchant, routed_id)"
        " SELECT account_id, source_id, id, 'anna', id FROM ingest_delivery LIMIT 1"
    ),
    "I3.letters": Break("DELETE FROM tasks_deadletter"),
    "I9.attempts": Break("UPDATE ingest_inbox SET attempts = 6"),
    "I9.held": Break("UPDATE ingest_inbox SET due_at = 'infinity'"),
    "I9.age": Break("UPDATE ingest_inbox SET due_at = now() - interval '2 min'"),
    "I4.totals": Break(f"UPDATE sales_sale SET paid_total = paid_total + 1 WHERE id = {_FIRST}"),
    "I4.states": Break(f"UPDATE sales_sale SET counts = NOT counts WHERE id = {_FIRST}"),
    "I4.days": Break(f"UPDATE sales_sale SET business_date = '2026-09-15' WHERE id = {_FIRST}"),
    "I4.mirrors": Break("UPDATE sales_sale SET mirror_of = NULL, counts = visible"),
    "I5.identity": Break(
        f"UPDATE sales_sale SET anomalies = '{{total_mismatch}}' WHERE id = {_FIRST}"
    ),
    "I5.parts": Break("UPDATE sales_saleline SET stamp = '\\x00'"),
    # A refund that left its payment is none that the payment's counter has counted.
    "I5.links": Break(
        "UPDATE sales_refund SET link_payment_id = gen_random_uuid() WHERE external_id = 'back'",
        also=["I4.totals"],
    ),
    "I5.constraints": Break(
        "ALTER TABLE sales_sale DROP CONSTRAINT sales_sale_amounts",
        "ALTER TABLE sales_sale ADD CONSTRAINT sales_sale_amounts CHECK (total < 1e13)",
    ),
    "I10.ids": Break("UPDATE sales_product SET external_id = 'cake'"),
    "I6.triggers": Break(
        "ALTER TABLE ingest_delivery_default DISABLE TRIGGER own_append_only",
        "ALTER TABLE ingest_delivery_default ENABLE ALWAYS TRIGGER own_append_only",
    ),
    "I6.grants": Break(
        f"GRANT DELETE ON ingest_delivery TO {settings.DATABASE_APP_ROLE}",
        f"REVOKE DELETE ON ingest_delivery FROM {settings.DATABASE_APP_ROLE}",
    ),
    "I6.partitions": lambda: Break(
        "INSERT INTO ingest_delivery (id, account_id, source_id, origin, method, path, query,"
        " content_type, headers, body, sha256, redacted)"
        " SELECT gen_random_uuid(), account_id, source_id, origin, method, path, query,"
        " content_type, headers, body, sha256, redacted FROM ingest_delivery LIMIT 1;"
        "INSERT INTO ingest_inbox (delivery_id, account_id, source_id)"
        " SELECT id, account_id, source_id FROM ingest_delivery_default"
    ),
    "I7.policies": Break(
        "ALTER TABLE sales_sale DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE sales_sale ENABLE ROW LEVEL SECURITY",
    ),
    "I7.accounts": Break("UPDATE tasks_event SET account_id = account_id + 1"),
}


@pytest.mark.django_db(transaction=True)
def test_a_whole_database_passes(whole: Source, capsys: pytest.CaptureFixture[str]) -> None:
    answer = verify(capsys)

    assert broken(answer) == []
    examined = {check["id"]: check["examined"] for check in answer["checks"]}
    assert all(count > 0 for name, count in examined.items() if name != "I9.held"), examined


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [check.id for check in CHECKS if check.id != "I6.role"])
def test_each_line_fails_when_its_invariant_is_broken_and_no_other_does(
    name: str, whole: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    made = BREAKS[name]
    one = made() if callable(made) else made
    run(one.sql)
    try:
        answer = verify(capsys)
    finally:
        if one.mend:
            run(one.mend)

    assert broken(answer) == sorted([name, *one.also], key=[c.id for c in CHECKS].index)
    line = next(check for check in answer["checks"] if check["id"] == name)
    assert line["failed"] >= 1
    assert line["examples"]
    assert answer["ok"] is (name == "I9.age")


@pytest.mark.django_db(transaction=True)
def test_an_application_that_owns_the_tables_is_warned_about(whole: Source) -> None:
    with connection.cursor() as cursor:
        assert role(cursor, Scope(role=settings.DATABASE_APP_ROLE)).failed == 0
        assert role(cursor, Scope(role=_owner_role())).failed == 1


@pytest.mark.django_db(transaction=True)
def test_people_read_one_line_each_with_what_to_do(
    whole: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    run("DELETE FROM tasks_deadletter")

    with pytest.raises(SystemExit, match="1"):
        call_command("verify")
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == len(CHECKS) + 1
    failed = [line for line in lines if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "I3.letters" in failed[0]
    assert "manage.py replay" in failed[0]
    assert lines[0].startswith("ok ")


@pytest.mark.django_db(transaction=True)
def test_one_account_is_looked_at_without_the_others(
    whole: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    calm = make_source("calm")
    ids = put(calm, {"id": "e1", "type": "document"})
    settle(ids, providers={"toy": WHOLE})
    run(f"UPDATE sales_sale SET paid_total = 7 WHERE account_id = {whole.account_id}")

    assert broken(verify(capsys)) == ["I4.totals"]
    assert broken(verify(capsys, "--account", "calm")) == []
    assert broken(verify(capsys, "--account", whole.account.slug)) == ["I4.totals"]
    with pytest.raises(CommandError, match="--account"):
        verify(capsys, "--account", "none")


@pytest.mark.django_db(transaction=True)
def test_a_walk_goes_on_over_many_small_steps(
    whole: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.invariants.base import Walk

    every = Walk(table="tasks_attempt", broken="SELECT b.id::text AS what FROM batch b", limit=2)
    keys = Walk(
        table="sales_fiscal",
        key=("owner_id", "pos"),
        broken="SELECT b.pos::text AS what FROM batch b",
        limit=1,
    )

    with owner() as direct, direct.cursor() as cursor:
        attempts = every(cursor, Scope())
        receipts = keys(cursor, Scope())

    assert (attempts.examined, attempts.failed, len(attempts.examples)) == (8, 8, 5)
    assert (receipts.examined, receipts.failed) == (3, 3)


def test_every_line_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs" / "invariants.md").read_text()

    assert re.findall(r"^\| `(I[^`]+)`", text, re.MULTILINE) == [check.id for check in CHECKS]
