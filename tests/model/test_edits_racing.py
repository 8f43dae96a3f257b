"""People edit a sale and its refunds while settlers write the same rows: nothing is lost."""

import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Account, Role
from accounts.rls import scoped
from accounts.tokens import issue
from sales.drafts import entity_id
from sales.models import Refund, Sale
from tasks.pipeline import settle
from tasks.sweep import Sweeper
from tests.settling import make_due
from tests.threads import in_threads

from .arrivals import Site
from .shops.base import Sent, body_of, headers_of, sample
from .staged import assert_settled, open_site, put

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

_SALE, _REFUND = "sale.created__full", "refund.created__full"
#: How often an editor asks again after a 503, as a client does.
_TRIES = 20


@dataclass
class Editor:
    """A person at the API, who remembers what was answered."""

    token: str
    client: Client = field(default_factory=Client)
    busy: int = 0

    def ask(self, method: str, path: str, body: Any = None) -> int:
        """Ask until the answer is no 503; return its status."""
        for _ in range(_TRIES):
            answer = self.client.generic(
                method,
                path,
                "" if body is None else json.dumps(body),
                "application/json",
                headers={"Authorization": f"Bearer {self.token}"},
            )
            if answer.status_code != 503:
                return int(answer.status_code)
            self.busy += 1
        raise AssertionError(f"{method} {path} was busy for good")


@dataclass
class Race:
    """One sale of a shop, the rows that belong to it, and a clock for what is sent."""

    site: Site
    minute: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def path(self, kind: str, name: str) -> str:
        """Return the address of a record."""
        return f"/{kind}s/{entity_id(self.site.source_id, kind, name)}/"

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Stage what the shop says, dated a second later each time, and settle it."""
        with self.lock:
            self.minute += 1
            stamp = f"2026-09-14T{10 + self.minute // 60:02d}:{self.minute % 60:02d}:00Z"
        message = {"type": kind, "timestamp": stamp, "data": data}
        headers = headers_of("standard", _SALE) | {"webhook-id": f"msg-{stamp}-{kind}"}
        settle(put(self.site, [Sent("POST", "", headers, body_of(message))]))

    def sell(self, total: int) -> None:
        """Say the sale, without payments; its fiscal receipt is locked by whoever writes it."""
        data = sample("standard", _SALE)["data"]
        del data["payments"]
        self.tell("sale.updated", data | {"id": "s", "total": f"{total}.00"})

    def pay(self, name: str, amount: int) -> None:
        """Say a payment of the sale."""
        data = {"id": name, "sale_id": "s", "method": "card", "amount": f"{amount}.00"}
        self.tell("payment.updated", data)

    def give_back(self, name: str, amount: int) -> None:
        """Say a refund, known by its sale or by its payment."""
        data = sample("standard", _REFUND)["data"]
        del data["payment_id"], data["sale_id"]
        link = {"sale_id": "s"} if amount % 2 else {"payment_id": "p0"}
        self.tell("refund.updated", data | link | {"id": name, "total": f"{amount}.00"})


def _rounds(race: Race, editors: tuple[Editor, Editor], number: int) -> list[Callable[[], None]]:
    """Return what happens at once in one round."""
    chance = random.Random(number)
    buyer, refunder = editors
    sale, refund = race.path("sale", "s"), race.path("refund", "r0")

    def shop() -> None:
        race.sell(100 + number)
        race.pay("p0", 40 + chance.randrange(10))

    def till() -> None:
        race.give_back("r0", 1 + chance.randrange(5))
        race.give_back("r1", 1 + chance.randrange(5))
        race.pay("p1", chance.randrange(10))

    def edit() -> None:
        assert buyer.ask("PATCH", sale, {"number": f"n{number}"}) == 200
        assert buyer.ask("PATCH", sale, {"total": f"{chance.randrange(200)}.50"}) == 200
        if number % 3 == 0:
            assert buyer.ask("DELETE", sale) == 204
            assert buyer.ask("POST", f"{sale}restore/") == 200

    def correct() -> None:
        assert refunder.ask("PATCH", refund, {"reason": f"because {number}"}) == 200
        assert refunder.ask("PATCH", refund, {"total": f"{number % 7}.25"}) == 200
        if number % 3 == 1:
            assert refunder.ask("DELETE", refund) == 204
            assert refunder.ask("POST", f"{refund}restore/") == 200

    return [shop, till, edit, correct]


@pytest.fixture
def race() -> Race:
    """A sale with two refunds and two payments, settled."""
    made = Race(open_site("standard"))
    made.sell(100)
    for name in ("0", "1"):
        made.pay(f"p{name}", 10)
        made.give_back(f"r{name}", 1)
    return made


@pytest.fixture
def editors(race: Race) -> tuple[Editor, Editor]:
    """Two people of the account."""
    account = Account.objects.get(pk=race.site.account_id)
    return Editor(issue(account, Role.EDITOR)[0]), Editor(issue(account, Role.EDITOR)[0])


def run(race: Race, editors: tuple[Editor, Editor], rounds: int) -> None:
    """Let everybody write at once, so many times, and compare after each."""
    for number in range(1, rounds + 1):
        together = threading.Barrier(4)
        works = [_after(together, work) for work in _rounds(race, editors, number)]
        in_threads(works)
        make_due()
        Sweeper().sweep()  # whatever was given back

        assert_settled([race.site.account_id])
        with scoped([race.site.account_id]):
            sale, refund = Sale.objects.get(external_id="s"), Refund.objects.get(external_id="r0")
        assert (sale.number, sale.deleted) == (f"n{number}", False)
        assert (refund.reason, refund.deleted) == (f"because {number}", False)
        assert float(refund.total or 0) == number % 7 + 0.25


def _after(together: threading.Barrier, work: Callable[[], None]) -> Callable[[], None]:
    def begin() -> None:
        connection.ensure_connection()
        together.wait(30)
        work()

    return begin


def deadlocks() -> int:
    """Count the deadlocks of this database so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchall()[0][0])


def check(race: Race, editors: tuple[Editor, Editor], rounds: int) -> None:
    """Race so many rounds: all take their locks in one order, so that hardly anybody is shot."""
    before = deadlocks()

    run(race, editors, rounds)

    assert deadlocks() - before <= rounds // 3
    assert sum(editor.busy for editor in editors) <= rounds // 10


def test_edits_racing_settlers_lose_nothing_and_leave_the_rule(
    race: Race, editors: tuple[Editor, Editor]
) -> None:
    check(race, editors, 8)


@pytest.mark.slow
def test_edits_racing_settlers_lose_nothing_at_length(
    race: Race, editors: tuple[Editor, Editor]
) -> None:
    check(race, editors, 60)
