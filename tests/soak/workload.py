"""What is sent when: purchases of all tills, out of order and repeated, all from one seed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from .model import Edit, Message, Receipt, Till, Wanted
from .tills import PURCHASES, standard

TILLS = (
    Till(name="a-evotor", account="soak-a", provider="evotor", currency="RUB",
         zone="Europe/Moscow"),
    Till(name="a-own", account="soak-a", provider="standard", currency="RUB", zone="Asia/Tomsk"),
    Till(name="b-shopify", account="soak-b", provider="shopify", currency="USD",
         zone="America/New_York"),
    Till(name="b-square", account="soak-b", provider="square", currency="USD", zone="UTC"),
    Till(name="c-own", account="soak-c", provider="standard", currency="KZT", zone="Asia/Almaty"),
    Till(name="c-twin", account="soak-c", provider="standard", currency="RUB", zone="Asia/Tomsk"),
    Till(name="c-yen", account="soak-c", provider="standard", currency="JPY", zone="Asia/Tokyo",
         exponent=0),
    Till(name="c-evotor", account="soak-c", provider="evotor", currency="RUB",
         zone="Asia/Vladivostok"),
)  # fmt: skip
#: Two sources of one kind in two accounts: they are told the same in opposite orders.
TWINS = ("a-own", "c-twin")
#: How much of what is sent is what, by chance.
REPEATED, SHUFFLED, TAMPERED, ODD, TIED, EDITED = 0.25, 0.35, 0.01, 0.01, 0.02, 0.08
#: Seconds: how far apart the events of one purchase are, how late a repetition is, an edit by hand.
_APART, _LATE, _BY_HAND = 2.0, 15.0, 12.0


@dataclass(order=True, slots=True)
class Due:
    """Something to be done so many seconds after the start."""

    at: float
    number: int
    message: Message | None = field(compare=False, default=None)
    edit: Edit | None = field(compare=False, default=None)
    #: Not as its sender signed it: it must be refused.
    tampered: bool = field(compare=False, default=False)


@dataclass(slots=True)
class Workload:
    """Everything that is sent in a run, and what must come of it."""

    due: list[Due] = field(default_factory=list)
    wanted: dict[tuple[str, str], Wanted] = field(default_factory=dict)
    repeated: int = 0
    disordered: int = 0
    refunds: int = 0
    edits: int = 0
    tampered: int = 0
    deliveries: int = 0

    def shares(self) -> dict[str, float]:
        """Return the shares of what is sent, in percent."""
        whole = max(1, self.deliveries)
        odd = self.repeated + self.disordered
        return {
            "duplicates_or_disorder": round(100 * odd / whole, 1),
            "refunds": round(100 * self.refunds / whole, 1),
            "edits_by_hand": round(100 * self.edits / whole, 1),
            "tampered": round(100 * self.tampered / whole, 1),
        }


def make(seed: int, seconds: float, rate: float) -> Workload:
    """Return a workload of so many deliveries a second, all due within the time."""
    chance, made = Random(f"workload-{seed}"), Workload()
    numbers = dict.fromkeys((till.name for till in TILLS), 0)
    while made.deliveries < seconds * rate:
        # Uniform over the whole time: the length of the list says when it is full.
        born = chance.uniform(0, seconds)
        for receipt in _purchases(chance, numbers):
            _place(made, chance, receipt, born, seconds)
        if chance.random() < ODD * 3:
            _place_odd(made, chance, numbers, born)
    made.due.sort()
    return made


def _purchases(chance: Random, numbers: dict[str, int]) -> Iterator[Receipt]:
    """Yield one purchase, or one tied pair of contents told to two sources."""
    if chance.random() < TIED:
        number = max(numbers[name] for name in TWINS) + 1
        twins = chance.randrange(1 << 30)
        for till in (one for one in TILLS if one.name in TWINS):
            numbers[till.name] = number
            yield standard.tied(till, Random(twins), number)
        return
    till = chance.choice(TILLS)
    numbers[till.name] += 1
    yield PURCHASES[till.provider](till, chance, numbers[till.name])


def _place(made: Workload, chance: Random, receipt: Receipt, born: float, end: float) -> None:
    """Put the events of a purchase in time, some out of order, some again."""
    wanted = receipt.wanted
    made.wanted[wanted.key] = wanted
    order = list(receipt.messages)
    if wanted.either:
        order = order if wanted.till.name == TWINS[0] else order[::-1]
    elif chance.random() < SHUFFLED:
        chance.shuffle(order)
    places = [receipt.messages.index(message) for message in order]
    made.disordered += sum(
        place < max(places[:index], default=-1) for index, place in enumerate(places)
    )
    at = born
    for message in order:
        _send(made, chance, message, min(at, end))
        at += chance.uniform(0, _APART)
        while chance.random() < REPEATED:
            made.repeated += 1
            _send(
                made, chance, message, min(at + chance.choice((0, chance.uniform(0, _LATE))), end)
            )
    made.refunds += sum("refund" in message.key or _is_return(message) for message in order)
    if chance.random() < EDITED and not wanted.either and not wanted.deleted:
        _edit(made, chance, wanted, min(at + chance.uniform(1, _BY_HAND), end))


def _is_return(message: Message) -> bool:
    return b'"PAYBACK"' in message.body or b'"refund' in message.body


def _send(made: Workload, chance: Random, message: Message, at: float) -> None:
    made.deliveries += 1
    made.due.append(Due(at, len(made.due), message=message))
    if chance.random() < TAMPERED:
        made.tampered += 1
        made.due.append(Due(at, len(made.due), message=message, tampered=True))


def _place_odd(made: Workload, chance: Random, numbers: dict[str, int], born: float) -> None:
    till = chance.choice([till for till in TILLS if till.provider == "standard"])
    numbers[till.name] += 1
    _send(made, chance, standard.odd(till, chance, numbers[till.name]), born)


def _edit(made: Workload, chance: Random, wanted: Wanted, at: float) -> None:
    """Plan a change by hand, and lay it over what the sale must be."""
    made.edits += 1
    verb, fields = "PATCH", {}
    match chance.choices(("total", "number", "voided", "delete", "restore"), (5, 2, 1, 1, 1))[0]:
        case "total" if wanted.total is not None:
            wanted.total += 100 * chance.randint(1, 50)
            fields = {"total": wanted.till.text(wanted.total)}
        case "voided" if wanted.document == "completed":
            wanted.document, fields = "voided", {"status": "voided"}
        case "delete":
            wanted.deleted, verb = True, "DELETE"
        case "restore":
            verb = "RESTORE"
        case _:
            wanted.number = f"рука-{len(made.due)}"
            fields = {"number": wanted.number}
    made.due.append(Due(at, len(made.due), edit=Edit(wanted=wanted, verb=verb, fields=fields)))
