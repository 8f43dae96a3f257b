"""Schemes that prove the sender and nothing about the body: a secret sent in clear, or none."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations.contract import Delivery, Secret, SignatureInvalid

from .base import Plain, header_bytes, is_one_of


@dataclass(frozen=True, slots=True)
class StaticHeader(Plain):
    """A header that holds the secret itself, behind a word such as ``Bearer`` where one is set."""

    header: str
    word: str = ""

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
class Basic(StaticHeader):
    """``Authorization: Basic …``; the secret is ``user:password``."""

    header: str = "authorization"
    word: str = "Basic"

    def _spelled(self, secret: Secret) -> str:
        return base64.b64encode(secret.value.encode()).decode()


@dataclass(frozen=True, slots=True)
class Address(Plain):
    """Nothing but the long random address proves the sender: the source is marked as unsigned."""

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Accept whoever knows the address."""


@dataclass(frozen=True, slots=True)
class Never(Plain):
    """Nothing arrives over HTTP for this provider."""

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid always."""
        raise SignatureInvalid("this provider takes no deliveries")
