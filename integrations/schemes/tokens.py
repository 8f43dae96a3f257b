"""Schemes that prove the sender and nothing about the body: a secret sent in clear, or none."""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from integrations.contract import Delivery, Secret, SignatureInvalid

from .base import Plain, header_bytes, is_one_of

#: Users of Evotor are numbers such as ``01-000000000000001``.
_USER = re.compile(rb"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class StaticHeader(Plain):
    """A header that holds the secret itself, behind a word such as ``Bearer`` where one is set."""

    header: str
    word: str = ""

    @property
    def words(self) -> str:
        spelled = f"{self.header}: {self.word}" if self.word else self.header
        return f"секрет в заголовке / the secret in a header: `{spelled}`"

    @property
    def headers(self) -> frozenset[str]:
        return frozenset({self.header})

    @property
    def secret_headers(self) -> frozenset[str]:
        return frozenset({self.header})

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the header is one of the secrets."""
        given = header_bytes(delivery, self.header)
        if self.word:
            word, _, given = given.partition(b" ")
            if word.lower() != self.word.lower().encode():
                raise SignatureInvalid(f"{self.header} does not begin with {self.word}")
        if not is_one_of(given, (self._spelled(one).encode() for one in secrets if one.value)):
            raise SignatureInvalid(f"no secret of this source is in {self.header}")

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the header with the secret."""
        return {self.header: f"{self.word} {self._spelled(secret)}".lstrip()}

    def _spelled(self, secret: Secret) -> str:
        return secret.value


@dataclass(frozen=True, slots=True)
class Bearer(StaticHeader):
    """``Authorization: Bearer <secret>``."""

    header: str = "authorization"
    word: str = "Bearer"


@dataclass(frozen=True, slots=True)
class EchoedToken(StaticHeader):
    """``Authorization`` with the secret as we gave it to the sender, bare or behind ``Bearer``.

    For senders that promise to send a token back and do not say in which form.
    """

    header: str = "authorization"

    @property
    def words(self) -> str:
        return (
            "наш токен, голый или после Bearer, в заголовке / our token, bare or behind Bearer, in "
            f"a header: `{self.header}`"
        )

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the header is one of the secrets."""
        word, _, rest = header_bytes(delivery, self.header).partition(b" ")
        behind = replace(delivery, headers={self.header: rest.decode("latin-1")})
        is_behind = word.lower() == b"bearer" and rest
        super(EchoedToken, self).verify(behind if is_behind else delivery, secrets, now)


@dataclass(frozen=True, slots=True)
class UserBearer(Bearer):
    """``Authorization: Bearer …`` with the secret, or with a token that it vouches for.

    Such a token is ``<user>.<HMAC-SHA256 of the user by the secret, base64url>``: nothing has to
    be stored to check it, and a secret in rotation vouches for its tokens until it ends. ``own``
    are the calls, by the last two names of their path, that only the secret itself proves.
    """

    own: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        whole = super(UserBearer, self).words
        return f"{whole}, либо токен, за который он ручается / or a token that it vouches for"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the header is a secret or a token of one."""
        if self.merchant(delivery, secrets) is None:
            super(UserBearer, self).verify(delivery, secrets, now)

    def merchant(self, delivery: Delivery, secrets: Sequence[Secret]) -> str | None:
        """Return the user whose token was sent; None where it is not a token of these secrets."""
        if call_of(delivery.path) in self.own:
            return None
        word, _, given = header_bytes(delivery, self.header).partition(b" ")
        user, dot, _ = given.rpartition(b".")
        if word.lower() != self.word.lower().encode() or not dot or not _USER.fullmatch(user):
            return None
        name = user.decode()
        tokens = [user_token(name, one).encode() for one in secrets if one.value]
        return name if is_one_of(given, tokens) else None


def call_of(path: str) -> str:
    """Return the last two names of a path: ``user/token`` of ``/api/v1/user/token/``."""
    return "/".join(path.rstrip("/").rsplit("/", 2)[-2:])


def is_user(name: str) -> bool:
    """Say whether a token can be made for a user of this name."""
    return name.isascii() and _USER.fullmatch(name.encode()) is not None


def user_token(user: str, secret: Secret) -> str:
    """Return the token of a user: at most 108 characters."""
    digest = hmac.digest(secret.value.encode(), user.encode(), "sha256")
    return f"{user}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@dataclass(frozen=True, slots=True)
class Basic(StaticHeader):
    """``Authorization: Basic …``; the secret is ``user:password``."""

    header: str = "authorization"
    word: str = "Basic"

    def _spelled(self, secret: Secret) -> str:
        return base64.b64encode(secret.value.encode()).decode()


@dataclass(frozen=True, slots=True)
class Address(Plain):
    """Nothing but the long random address proves the sender: the source is marked as unsigned."""

    @property
    def words(self) -> str:
        return "только длинный случайный адрес / nothing but the long random address"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Accept whoever knows the address."""


@dataclass(frozen=True, slots=True)
class Never(Plain):
    """Nothing arrives over HTTP for this provider."""

    @property
    def words(self) -> str:
        return "по HTTP ничего не принимает / takes nothing over HTTP"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid always."""
        raise SignatureInvalid("this provider takes no deliveries")
