"""Apps: one address for many merchants, each of whom has a source and an account of his own."""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import InternalError, ProgrammingError
from psycopg.errors import LockNotAvailable

from accounts.commandline import every_account
from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Delivery, Inbox
from integrations.contract import Delivery as Request
from integrations.contract import Event
from tasks import bell, rebuilding, replays, sql
from tasks.children import add_child
from tasks.models import Replay, Routed
from tasks.pipeline import settle
from tasks.routing import unrouted
from tasks.sources import set_state
from tasks.wakeup import Doorbell
from tests.hearing import owner
from tests.settling import TOY, ledger, make_due, outcomes_of, put, sale_event, sales

pytestmark = pytest.mark.django_db(transaction=True)


def _split(delivery: Request) -> list[Event]:
    return [replace(one, merchant=one.payload.get("of")) for one in TOY.split(delivery)]


def _part(delivery: Request, merchant: str) -> bytes:
    events = json.loads(delivery.body)
    return json.dumps([one for one in events if one.get("of") == merchant]).encode()


#: A till whose one address serves many merchants: each event says whose it is.
MANY = replace(TOY, split=_split, part=_part)
PROVIDERS = {"toy": MANY}


def make_app() -> Source:
    account = Account.objects.create(slug="operator", title="operator")
    with scoped([account.pk]):
        return Source.objects.create(account=account, provider="toy", title="App", is_app=True)


def connect(app: Source, merchant: str) -> Source:
    """Connect a merchant, with an account of his own."""
    account = Account.objects.create(slug=f"of-{merchant}", title=merchant)
    with every_account():
        return add_child(account, MANY, app, merchant=merchant)


def of(merchant: str, key: str, **fields: Any) -> dict[str, Any]:
    return sale_event(key, of=merchant, **fields)


def hear(app: Source, *bodies: Any) -> list[UUID]:
    ids = put(app, *bodies)
    settle(ids, providers=PROVIDERS)
    return ids


def staged(source: Source) -> list[Delivery]:
    with scoped([source.account_id]):
        return list(Delivery.objects.filter(source=source).order_by("id"))


def settle_all(source: Source) -> None:
    make_due()
    settle([row.pk for row in staged(source)], providers=PROVIDERS)


def run_replays() -> int:
    """Walk all runs to their end; return how many there were."""
    runs = list(Replay.objects.filter(state=Replay.State.RUNNING).values_list("pk", flat=True))
    for run in runs:
        while Replay.objects.get(pk=run).state == Replay.State.RUNNING:
            Replay.objects.filter(pk=run).update(due_at="2020-01-01T00:00:00Z")
            replays.step(run, providers=PROVIDERS)
    return len(runs)


def totals(source: Source) -> list[str]:
    return [str(sale["total"]) for sale in sales(source)]


def test_each_merchant_gets_his_part_and_nothing_of_anothers() -> None:
    app = make_app()
    anna, boris = connect(app, "anna"), connect(app, "boris")

    (cause,) = hear(
        app, [of("anna", "1", total="5.00"), of("boris", "2", total="7.00"), of("anna", "3")]
    )

    assert outcomes_of(app) == ["recorded", "recorded", "recorded"]
    for child, keys in ((anna, ["1", "3"]), (boris, ["2"])):
        (row,) = staged(child)
        assert (row.origin, row.cause, row.account_id) == ("routed", cause, child.account_id)
        assert [one["id"] for one in json.loads(bytes(row.body))] == keys
        settle_all(child)
    assert totals(boris) == ["7.0000"]
    assert [row.key for row in ledger(anna)] == ["1", "3"]
    assert (ledger(app), sales(app)) == ([], [])


def test_a_merchant_nobody_connected_waits_and_is_routed_when_he_is() -> None:
    app = make_app()
    first, last = hear(app, [of("anna", "1", total="5.00")], [of("anna", "2", sale="s2")])
    with scoped([app.account_id]):
        assert unrouted(app.pk) == [("anna", first, last, 2)]

    anna = connect(app, "anna")
    assert run_replays() == 1
    settle_all(anna)

    assert [row.cause for row in staged(anna)] == [first, last]
    assert totals(anna) == ["5.0000", "10.0000"]
    with scoped([app.account_id]):
        assert unrouted(app.pk) == []


def test_connecting_one_merchant_routes_nothing_of_another_and_settles_nothing_twice() -> None:
    app = make_app()
    hear(app, [of("boris", "2")], [of("anna", "1")])

    connect(app, "anna")
    run_replays()

    with scoped([app.account_id]):
        assert [merchant for merchant, *_ in unrouted(app.pk)] == ["boris"]
    # The delivery that holds nothing of hers was not settled again.
    assert outcomes_of(app) == ["recorded"] * 3


def test_a_part_is_routed_once_however_often_the_delivery_is_settled() -> None:
    app = make_app()
    anna = connect(app, "anna")
    ids = hear(app, [of("anna", "1"), of("anna", "2")])

    replays.replay(ids, providers=PROVIDERS)
    replays.replay(ids, providers=PROVIDERS)

    assert len(staged(anna)) == 1
    assert outcomes_of(app)[2:] == ["duplicate"] * 4


def test_an_event_that_the_app_repeats_is_a_duplicate_of_the_merchants() -> None:
    app = make_app()
    anna = connect(app, "anna")
    hear(app, [of("anna", "1")], [of("anna", "1"), of("boris", "2")])

    settle_all(anna)

    assert sorted(outcomes_of(anna)) == ["duplicate", "recorded"]
    assert len(ledger(anna)) == 1


def test_what_cannot_be_committed_routes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    anna = connect(app, "anna")
    (one,) = put(app, [of("anna", "1")])

    def fail(*_: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patched:
        patched.setattr("tasks.traces.append_attempts", fail)
        settle([one], providers=PROVIDERS)
    assert staged(anna) == []
    make_due()
    settle([one], providers=PROVIDERS)

    assert len(staged(anna)) == 1


@pytest.mark.parametrize(
    ("state", "held", "waiting"), [("paused", 1, 0), ("disabled", 0, 1), ("active", 0, 0)]
)
def test_a_paused_merchant_is_staged_and_waits_a_disabled_one_is_unrouted(
    state: str, held: int, waiting: int
) -> None:
    app = make_app()
    anna = connect(app, "anna")
    with every_account():
        Source.objects.filter(pk=anna.pk).update(state=state)

    hear(app, [of("anna", "1")])

    assert Inbox.objects.filter(source=anna, due_at__gt="2100-01-01T00:00:00Z").count() == held
    with scoped([app.account_id]):
        assert len(unrouted(app.pk)) == waiting
    with every_account():
        set_state(anna, "active")  # type: ignore[arg-type]
    run_replays()
    settle_all(anna)
    assert totals(anna) == ["10.0000"]


def test_no_account_sees_what_is_anothers() -> None:
    app = make_app()
    anna, boris = connect(app, "anna"), connect(app, "boris")
    hear(app, [of("anna", "1"), of("boris", "2"), of("clara", "3")])

    for source, sees in ((app, 3), (anna, 0), (boris, 0)):
        with scoped([source.account_id]):
            assert {row.source_id for row in Delivery.objects.all()} == {source.pk}
            assert Routed.objects.count() == sees


def test_parts_wake_a_worker_when_they_are_committed_and_those_of_a_replay_do_not(
    monkeypatch: pytest.MonkeyPatch, valkey: str
) -> None:
    rung: list[tuple[UUID, ...]] = []

    class Bell(Doorbell):
        def ring(self, ids: Sequence[UUID]) -> None:
            super().ring(ids)
            with every_account():  # committed: another transaction sees them
                rung.append(
                    tuple(Inbox.objects.filter(delivery_id__in=ids).values_list("pk", flat=True))
                )

    redis.Redis.from_url(valkey).flushall()
    ours = Bell(valkey, limit_seconds=2)
    monkeypatch.setattr(bell, "of_process", lambda: ours)
    app = make_app()
    anna, boris = connect(app, "anna"), connect(app, "boris")

    ids = hear(app, [of("anna", "1"), of("boris", "2"), of("clara", "3")])

    (parts,) = rung
    assert set(parts) == {one.pk for child in (anna, boris) for one in staged(child)}
    settle(ids, replay=True, providers=PROVIDERS)
    connect(app, "clara")
    assert run_replays() == 1
    assert len(rung) == 1
    ours.close()
    queued = redis.Redis.from_url(valkey).hvals("dramatiq:live.msgs")
    assert [set(json.loads(one)["args"][0]) for one in queued] == [set(map(str, parts))]


def test_a_merchant_without_an_api_key_of_his_own_is_asked_with_the_apps() -> None:
    app = make_app()
    anna, boris = connect(app, "anna"), connect(app, "boris")

    with every_account():
        endpoints.give_api_secret(app, "of the app")
        endpoints.give_api_secret(boris, "his own")

        assert [endpoints.api_secret_of(one) for one in (app, anna, boris)] == [
            *("of the app", "of the app", "his own"),
        ]
    with scoped([anna.account_id]):  # nobody else's scope shows it
        assert endpoints.api_secret_of(anna) is None


def test_the_door_takes_no_delivery_outside_the_scope_and_none_of_a_source_without_app() -> None:
    app = make_app()
    anna = connect(app, "anna")
    (apps,) = hear(app, [of("anna", "1")])
    (own,) = staged(anna)

    for scope, delivery in ((anna.account_id, apps), (anna.account_id, own.pk)):
        with pytest.raises(ProgrammingError, match="no delivery of an app"), scoped([scope]):
            sql.rows("SELECT route_part(%b::uuid, 'boris', 'x')", delivery)


def test_nobody_writes_into_the_table_of_parts_beside_the_door() -> None:
    app = make_app()
    hear(app, [of("anna", "1")])

    with pytest.raises((ProgrammingError, InternalError)), scoped([app.account_id]):
        Routed.objects.update(merchant="boris")


def test_a_merchants_sales_are_rebuilt_from_his_own_deliveries(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rebuilding, "registered", lambda: PROVIDERS)
    app = make_app()
    hear(app, [of("anna", "1", at=1)], [of("anna", "1", at=1), of("anna", "2", sale="s2")])
    anna = connect(app, "anna")
    run_replays()
    settle_all(anna)

    call_command("rebuild", "--json")
    found = json.loads(capsys.readouterr().out)

    assert (found["differs"], found["unread"]) == (False, {})
    assert len(sales(anna)) == 2


def _forget(app: Source) -> str:
    return f"DELETE FROM tasks_routed WHERE source_id = {app.pk}"


def _misplace(app: Source) -> str:
    return f"UPDATE tasks_routed SET merchant = 'boris' WHERE source_id = {app.pk}"


@pytest.mark.parametrize("spoil", [_forget, _misplace])
def test_verify_misses_a_part_that_went_nowhere_or_to_another(
    spoil: Callable[[Source], str], capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()
    connect(app, "anna")
    hear(app, [of("anna", "1")], [of("clara", "2")])

    def failing() -> list[str]:
        with contextlib.suppress(SystemExit):
            call_command("verify", "--json")
        answer = json.loads(capsys.readouterr().out)
        return [one["id"] for one in answer["checks"] if one["state"] != "ok"]

    assert failing() == []
    with owner() as direct:
        direct.execute(spoil(app).encode())
    assert failing() == ["I3.routed"]


def test_only_a_provider_that_can_be_cut_may_be_an_app() -> None:
    with pytest.raises(CommandError, match="connect it without --app"):
        call_command("source", "add", "moysklad", "--account", "operator", "--app")


def test_the_command_connects_an_app_and_a_merchant_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*arguments: str) -> dict[str, Any]:
        call_command("source", *arguments, "--json")
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    app = run("add", "evotor", "--account", "operator", "--app")
    who = ("--parent", str(app["id"]), "--merchant", "01-0000")
    child = run("add", "evotor", "--account", "shop", *who)

    assert (app["kind"], child["kind"]) == ("app", "child")
    assert (child["path"], child["secret"], child["state"]) == (None, None, "active")
    assert run("unrouted", str(app["id"]))["unrouted"] == []
    listed = {one["id"]: one for one in run("list")["sources"]}
    assert listed[child["id"]]["parent"] == app["id"]
    with pytest.raises(CommandError, match="is connected already"):
        call_command("source", "add", "evotor", "--account", "shop", *who)
    for verb in (("rotate",), ("rotate", "--url")):
        with pytest.raises(CommandError, match="are the app's"):
            call_command("source", verb[0], str(child["id"]), *verb[1:])


def test_connecting_waits_for_those_who_found_the_merchant_missing() -> None:
    app = make_app()
    (waits,) = put(app, [of("anna", "1")])

    with scoped([app.account_id]):
        assert sql.rows("SELECT route_part(%b::uuid, 'anna', '[]')", waits) == [("unrouted",)]
        with owner() as other:
            other.execute("SET lock_timeout = '200ms'")
            with pytest.raises(LockNotAvailable):
                other.execute("SELECT lock_app(%s)", [app.pk])
