"""Whom a request speaks for: the accounts it may see, and its role in each."""

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ApiError
from .models import Account, ApiToken, Membership, Role, User

WRITERS = frozenset({Role.OWNER, Role.EDITOR})


@dataclass(frozen=True, slots=True)
class Seat:
    """A role in one account."""

    account_id: int
    slug: str
    role: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The seats of a token or of a person who is logged in."""

    name: str
    seats: Mapping[int, Seat]

    @property
    def accounts(self) -> tuple[int, ...]:
        """The accounts whose rows exist for this request."""
        return tuple(self.seats)

    def narrowed(self, slug: str) -> "Principal":
        """Keep one account. Raises ApiError where it is not one of ours."""
        kept = {seat.account_id: seat for seat in self.seats.values() if seat.slug == slug}
        if not kept:
            raise ApiError("parameter_unusable", field="account", expected=self._known())
        return Principal(self.name, kept)

    def may_write(self, account_id: int) -> bool:
        """Say whether the role in this account is more than reading."""
        return self.seats[account_id].role in WRITERS

    @property
    def is_writer(self) -> bool:
        """Say whether any of the accounts may be written to."""
        return any(map(self.may_write, self.seats))

    def only_account(self) -> int:
        """Return the one account that can be meant by a new record. Raises ApiError."""
        writable = [account for account in self.seats if self.may_write(account)]
        if not writable:
            raise ApiError("read_only")
        if len(writable) > 1:
            raise ApiError("account_unclear", field="account", known=self._known())
        return writable[0]

    def _known(self) -> str:
        return ", ".join(sorted(seat.slug for seat in self.seats.values())[:20]) or "—"


def of_token(row: ApiToken) -> Principal:
    """Return whom a token speaks for: its one account."""
    seat = Seat(row.account_id, row.account.slug, row.role)
    return Principal(str(row), {row.account_id: seat})


def of_user(user: User) -> Principal:
    """Return whom a person speaks for: the accounts one is a member of; a superuser, all."""
    if user.is_superuser:
        known = Account.objects.order_by("id").values_list("id", "slug")
        seats = [Seat(account_id, slug, Role.OWNER) for account_id, slug in known]
    else:
        rows = Membership.objects.filter(user=user).order_by("account_id")
        seats = [Seat(*row) for row in rows.values_list("account_id", "account__slug", "role")]
    return Principal(user.get_username(), {seat.account_id: seat for seat in seats})
