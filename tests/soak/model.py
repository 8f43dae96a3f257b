"""What is sent, and what the sales must be at the end: worked out while generating, never read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

#: The first receipt of every source; the others follow, each at a second of its own.
FIRST = datetime.fromisoformat("2026-03-01T00:00:07+00:00")
STEP = timedelta(seconds=97)


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """A source to be connected: whose it is, and how it counts days and money."""

    name: str
    account: str
    provider: str
    currency: str
    zone: str
    exponent: int = 2

    def day(self, moment: datetime) -> date:
        """Return the business day of a moment: midnight of the source's zone begins it."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def money(self, minor: int) -> Decimal:
        """Return an amount in minor units as a decimal."""
        return Decimal(minor).scaleb(-self.exponent)

    def text(self, minor: int) -> str:
        """Return an amount as a till writes it."""
        return str(self.money(minor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event as it is sent, any number of times. ``key`` and the body are its identity."""

    till: Till
    key: str
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    #: ``sale``, or where it must end instead: dead, unsupported, ignored.
    ends: str = "sale"


@dataclass(slots=True, kw_only=True)
class Wanted:
    """A sale as it must be at the end. Amounts are in minor units."""

    till: Till
    external_id: str
    occurred_at: datetime
    total: int | None
    paid: int | None
    document: str = "completed"
    number: str | None = None
    known: str = "stated"
    lines: int = 0
    payments: int = 1
    #: Of each refund: its amount, and whether it went through.
    refunds: Sequence[tuple[str, int, bool]] = ()
    deleted: bool = False
    #: Two contents of one version: which of them stands is the product's to say, but only once.
    either: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Return what names the sale."""
        return self.till.name, self.external_id

    @property
    def refunded(self) -> int:
        """Return what was given back."""
        return sum(amount for _, amount, done in self.refunds if done)

    @property
    def status(self) -> str:
        """Return the state that the document and the refunds make."""
        if self.document != "completed" or not self.refunded:
            return self.document
        return "refunded" if self.refunded >= (self.total or 0) else "partially_refunded"

    @property
    def net(self) -> int | None:
        """Return what is left."""
        if self.status == "voided":
            return 0
        return None if self.total is None else self.total - self.refunded

    @property
    def counts(self) -> bool:
        """Say whether it is revenue."""
        return not self.deleted and self.status != "voided"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one purchase sends, in the order of its life, and what must become of it."""

    messages: Sequence[Message]
    wanted: Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change by hand: PATCH of these fields, or DELETE, or DELETE and restore."""

    wanted: Wanted
    verb: str
    fields: Mapping[str, str] = field(default_factory=dict)


def moment(number: int) -> datetime:
    """Return when the purchase of this number happened."""
    return FIRST + STEP * number


def written(time: datetime) -> str:
    """Return a time as tills write it: UTC, milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
