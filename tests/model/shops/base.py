"""A provider as it is from the inside: it acts, sends, and knows what is true."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from integrations import samples
from integrations.contract import Answered

#: When every simulated day begins; all of it lies before any receipt.
OPENING = datetime(2026, 9, 14, 9, tzinfo=UTC)


class Move(NamedTuple):
    """What is done next: an action, on what, how much of it, and how many clock units later."""

    action: int
    which: int
    amount: int
    step: int


class Sent(NamedTuple):
    """One request as the provider sends it, and repeats it byte for byte."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""
    #: Set on what the provider answered to a question of ours; it sends nothing like it by itself.
    answered: Answered | None = None


class Figures(NamedTuple):
    """What is true of a sale. ``paid`` and ``total`` are None where nobody can know them."""

    total: Decimal | None
    paid: Decimal | None
    refunded: Decimal
    status: str


#: (kind, external id) of a payment or refund with a life of its own → its status and amount.
Parts = dict[tuple[str, str], tuple[str, Decimal]]


@dataclass
class Shop:
    """What all simulated providers share.

    ``exact`` keeps to what the provider's clock can tell apart; without it, anything happens
    within one unit, and clocks are broken.
    """

    exact: bool
    sent: list[Sent] = field(default_factory=list)
    now: datetime = OPENING
    slug: ClassVar[str]
    currency: ClassVar[str] = "RUB"
    #: Whether it says all it knows only when it is asked.
    is_asked: ClassVar[bool] = False
    #: The unit of the provider's clock.
    unit: ClassVar[timedelta]

    def actions(self) -> Sequence[Callable[[int, int], None]]:
        """Return what may happen here."""
        raise NotImplementedError

    def truth(self) -> dict[str, Figures]:
        """Return what is true of every sale that is seen, by its external id."""
        raise NotImplementedError

    def parts(self) -> Parts:
        """Return what is true of payments and refunds."""
        raise NotImplementedError

    def play(self, moves: Sequence[Move]) -> None:
        """Let a day happen."""
        for move in moves:
            self.now += self.unit * (move.step + self.exact)
            actions = self.actions()
            actions[move.action % len(actions)](move.which, move.amount)


def sample(slug: str, name: str) -> Any:
    """Return the body of a recorded delivery, to be changed."""
    return json.loads(samples.load(slug)[name].body)


def headers_of(slug: str, name: str) -> dict[str, str]:
    """Return the headers of a recorded delivery that are no proof of it."""
    kept = samples.load(slug)[name].headers
    return {key: value for key, value in kept.items() if key != "content-length"}


def body_of(value: Any) -> bytes:
    """Return a payload as it is sent."""
    return json.dumps(value, ensure_ascii=False).encode()


def numbers() -> Iterator[int]:
    """Count the ids of a shop."""
    number = 0
    while True:
        number += 1
        yield number


def refunded_status(document: str, total: Decimal | None, refunded: Decimal) -> str:
    """Return the status of a sale that is completed, or not, with so much refunded."""
    if document != "completed" or refunded <= 0:
        return document
    return "refunded" if total is not None and refunded >= total else "partially_refunded"
