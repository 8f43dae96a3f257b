"""Two CRMs from the inside: whatever happened to a deal, the last reading makes the sale true.

A day of a deal is played: won, lost, reopened, repriced, other rows (which no clock of the deal
need tell of), deleted, restored, in the same second or later. Hooks and answers come to be settled
in any order; what was last read after the last hook is what the sale has to be.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrations import answers, samples
from integrations.cases import RECEIVED, context_of
from integrations.contract import Answered, Delivery, Event, Provider
from integrations.registry import PROVIDERS
from sales.drafts import SaleDraft
from sales.merging import F, Settings, SourceSettings
from sales.statements import Stated

SECOND = 1_000_000
OPENING = 1_789_380_000 * SECOND
MOSCOW = timedelta(hours=3)
ACTIONS = ("won", "lost", "open", "price", "rows", "delete", "restore", "read")
moves = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS), st.integers(1, 5), st.sampled_from([1, 400_000, 3 * SECOND])
    ),
    min_size=1,
    max_size=12,
)


@dataclass
class Crm:
    """One deal of one account, as it is; ``now`` and ``changed`` are microseconds and seconds."""

    provider: Provider
    now: int = OPENING
    changed: int = OPENING // SECOND
    status: str = "open"
    price: int = 100
    count: int = 1
    exists: bool = True
    name: ClassVar[str]
    kind: ClassVar[str]
    drafts: list[SaleDraft] = field(default_factory=list)

    def act(self, action: str, amount: int) -> str | None:
        """Change the deal; return the word of the hook for it, None where nothing happened."""
        if action == "restore" and not self.exists:
            self.exists = True  # as it was: no clock need have moved
            return "restored"
        if action in ("read", "restore") or not self.exists:
            return None
        if action == "delete":
            self.exists = False
            return "deleted"
        if action == "rows":
            self.count = amount
            return "changed"
        if action == "price":
            self.price = 100 * amount
        else:
            self.status = action
        self.changed = self.now // SECOND
        return "changed"

    def hear(self, hook: bytes) -> None:
        """Keep what a hook states by itself."""
        self._keep(self.provider.split(Delivery("POST", "", "", {}, hook, "")), None)

    def read(self) -> None:
        """Ask for the deal as it is now, knowing what was heard and read before."""
        known = [one.version.clock for one in self.drafts if one.header or one.gone]
        date = self.now - self.now % SECOND
        answered = Answered(self.now, date, max(known, default=None))
        outcome = "read" if self.exists else "missing"
        texts = [json.dumps(one).encode() for one in self.told()] if self.exists else []
        body = answers.envelope(self.kind, self.name, outcome, texts)
        self._keep(answers.split(Delivery("GET", "", "", {}, body, "", answered)), answered)

    def _keep(self, events: list[Event], answered: Answered | None) -> None:
        context = replace(context_of(self.provider), received=RECEIVED, answered=answered)
        for event in events:
            stated = self.provider.normalisers[event.type](event, context) or ()
            self.drafts += [one for one in stated if isinstance(one, SaleDraft)]

    def told(self) -> list[Any]:
        """Return what the account answers of the deal."""
        raise NotImplementedError

    def hook(self, word: str) -> bytes:
        """Return the form that the account sends."""
        raise NotImplementedError


class Portal(Crm):
    name, kind = "6641", "deal"

    def told(self) -> list[Any]:
        deal, rows = _template("bitrix24", "deal.read__won")
        groups = {"open": "P", "won": "S", "lost": "F"}
        deal["result"] |= {
            "STAGE_SEMANTIC_ID": groups[self.status],
            "OPPORTUNITY": f"{self.price}.00",
            "DATE_MODIFY": (datetime.fromtimestamp(self.changed, UTC) + MOSCOW)
            .replace(tzinfo=None)
            .isoformat()
            + "+03:00",
        }
        rows["result"]["productRows"] = rows["result"]["productRows"][:1]
        rows["result"]["productRows"][0]["quantity"] = self.count
        return [deal, rows | {"total": 1}]

    def hook(self, word: str) -> bytes:
        event = {"deleted": "ONCRMDEALDELETE", "restored": "ONCRMDEALADD"}.get(word)
        sent = {"event": event or "ONCRMDEALUPDATE", "ts": self.now // SECOND}
        return urlencode({**sent, "data[FIELDS][ID]": self.name, "auth[member_id]": "a"}).encode()


class Account(Crm):
    name, kind = "12345678", "lead"

    def told(self) -> list[Any]:
        (lead,) = _template("amocrm", "lead.read__won")
        stages = {"open": 7039101, "won": 142, "lost": 143}
        closed = None if self.status == "open" else self.changed
        lead |= {
            "status_id": stages[self.status],
            "price": self.price,
            "updated_at": self.changed,
            "closed_at": closed,
        }
        lead["_embedded"]["catalog_elements"] = [{"id": 525439, "quantity": self.count}]
        return [lead]

    def hook(self, word: str) -> bytes:
        action = {"deleted": "delete", "restored": "restore", "changed": "update"}[word]
        return urlencode({f"leads[{action}][0][id]": self.name}).encode()


def _template(slug: str, name: str) -> list[Any]:
    found: list[Any] = json.loads(samples.load_answers(slug)[name])["answers"]
    return found


CRMS = {"bitrix24": Portal, "amocrm": Account}
STATUSES = {"open": "open", "won": "completed", "lost": "voided"}


def settled(crm: Crm, order: list[SaleDraft]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the sale and its lines as the rule has them."""
    received = datetime.fromtimestamp(RECEIVED // SECOND, UTC)
    told = [Stated(one, 1, 1, UUID(int=7), received, crm.provider.mapper) for one in order]
    tables = F(told, [], Settings({1: SourceSettings("Europe/Moscow")}, {}))
    (sale,) = tables["sale"].values()
    return sale, list(tables["line"].values())


def played(crm: Crm, day: list[tuple[str, int, int]]) -> Iterator[None]:
    for action, amount, later in day:
        crm.now += later
        word = crm.act(action, amount)
        if word is not None:
            crm.hear(crm.hook(word))
        if action == "read":
            crm.read()
        yield


@pytest.mark.parametrize("slug", sorted(CRMS))
@settings(max_examples=150, deadline=None)
@given(day=moves, seed=st.integers(0, 2**32))
@example(day=[("read", 1, SECOND), ("delete", 1, SECOND), ("restore", 1, SECOND)], seed=1)
@example(
    day=[(action, 1, SECOND) for action in ("won", "delete", "read", "restore", "rows")], seed=2
)
@example(day=[("won", 1, 1), ("read", 1, 1), ("delete", 1, 1), ("restore", 1, 1)], seed=3)
def test_the_last_reading_makes_the_sale_true_in_whatever_order_it_all_is_settled(
    slug: str, day: list[tuple[str, int, int]], seed: int
) -> None:
    crm = CRMS[slug](PROVIDERS[slug])
    for _ in played(crm, day):
        pass
    crm.now += 1
    crm.read()
    order = random.Random(seed).sample(crm.drafts, len(crm.drafts))

    sale, lines = settled(crm, order)

    assert sale["deleted"] is not crm.exists
    if crm.exists:
        assert (sale["status"], sale["total"]) == (STATUSES[crm.status], Decimal(crm.price))
        assert (sale["kind"], sale["counts"]) == ("deal", False)
        assert [line["quantity"] for line in lines] == [crm.count]
