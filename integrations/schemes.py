"""Signature schemes as data: how a delivery proves that its sender knows a secret.

Signatures are compared as canonical text, in bytes and in constant time: decoded base64 would
accept other last characters. Whatever a stranger sends raises SignatureInvalid, nothing else.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .contract import Delivery, Secret, SignatureInvalid, SignatureStale

MAX_HEADER = 4096
MAX_SIGNATURES = 8
_SIGNATURE = re.compile(rb"[a-z0-9]{1,8},[A-Za-z0-9+/_=-]+")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def header_bytes(delivery: Delivery, name: str) -> bytes:
    """Return the value of a header as it came; raises SignatureInvalid where it cannot be proof."""
    value = delivery.headers.get(name, "")
    if not value or len(value) > MAX_HEADER:
        raise SignatureInvalid(f"no usable header {name}")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise SignatureInvalid(f"header {name} is not bytes") from None


def new_signing_secret() -> str:
    """Return a fresh secret for Standard Webhooks: ``whsec_`` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


@dataclass(frozen=True, slots=True)
class HmacHeader:
    """One header with the HMAC of the body, or of the configured URL and the body."""

    header: str
    digest: str = "sha256"
    encoding: str = "base64"  # or "hex"
    prefix: str = ""
    with_url: bool = False

    @property
    def covers(self) -> frozenset[str]:
        return frozenset({"body", "url"} if self.with_url else {"body"})

    @property
    def headers(self) -> frozenset[str]:
        return frozenset({self.header})

    @property
    def secret_headers(self) -> frozenset[str]:
        return frozenset()

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the header is the signature by one of the secrets."""
        given = header_bytes(delivery, self.header)
        for secret in secrets:
            if secret.value and hmac.compare_digest(given, self._signature(delivery, secret)):
                return
        raise SignatureInvalid("no secret of this source made the signature")

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the header that proves this delivery."""
        return {self.header: self._signature(delivery, secret).decode()}

    def _signature(self, delivery: Delivery, secret: Secret) -> bytes:
        message = delivery.url.encode() + delivery.body if self.with_url else delivery.body
        mac = hmac.digest(secret.value.encode(), message, self.digest)
        text = base64.b64encode(mac) if self.encoding == "base64" else mac.hex().encode()
        return self.prefix.encode() + text


@dataclass(frozen=True, slots=True)
class Bearer:
    """``Authorization: Bearer <secret>``: proves the sender, and nothing about the body."""

    @property
    def covers(self) -> frozenset[str]:
        return frozenset()

    @property
    def headers(self) -> frozenset[str]:
        return frozenset({"authorization"})

    @property
    def secret_headers(self) -> frozenset[str]:
        return frozenset({"authorization"})

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the token is one of the secrets."""
        word, _, token = header_bytes(delivery, "authorization").partition(b" ")
        if word.lower() == b"bearer":
            for secret in secrets:
                if secret.value and hmac.compare_digest(token, secret.value.encode()):
                    return
        raise SignatureInvalid("no secret of this source is the bearer token")

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the header with the secret."""
        return {"authorization": f"Bearer {secret.value}"}


@dataclass(frozen=True, slots=True)
class Address:
    """Nothing but the long random address proves the sender: the source is marked as unsigned."""

    @property
    def covers(self) -> frozenset[str]:
        return frozenset()

    @property
    def headers(self) -> frozenset[str]:
        return frozenset()

    @property
    def secret_headers(self) -> frozenset[str]:
        return frozenset()

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Accept whoever knows the address."""

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return no headers: there is nothing to prove."""
        return {}


@dataclass(frozen=True, slots=True)
class Never:
    """Nothing arrives over HTTP for this provider."""

    @property
    def covers(self) -> frozenset[str]:
        return frozenset()

    @property
    def headers(self) -> frozenset[str]:
        return frozenset()

    @property
    def secret_headers(self) -> frozenset[str]:
        return frozenset()

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid always."""
        raise SignatureInvalid("this provider takes no deliveries")

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return no headers: nothing proves such a delivery."""
        return {}


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Standard Webhooks: HMAC-SHA256 (v1) or Ed25519 (v1a) over id, time and body.

    The kind of a secret decides: ``signing`` (``whsec_…``), ``public_key`` (``whpk_…``), or
    ``bearer`` for senders that cannot sign. Several signatures in one header are several keys of
    a rotation. The aliases svix-id, svix-timestamp and svix-signature are the same headers.
    """

    tolerance: int = 300

    @property
    def covers(self) -> frozenset[str]:
        return frozenset({"body", "id", "timestamp"})

    @property
    def headers(self) -> frozenset[str]:
        return frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})

    @property
    def secret_headers(self) -> frozenset[str]:
        return frozenset({"authorization"})

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid, or SignatureStale where only the time is wrong."""
        bearers = [secret for secret in secrets if secret.kind == "bearer"]
        keys = [secret for secret in secrets if secret.kind != "bearer"]
        family = _family(delivery.headers)
        if family is None:
            return Bearer().verify(delivery, bearers, now)
        message, timestamp = _signed_text(delivery, family)
        given = _signatures(header_bytes(delivery, f"{family}-signature"))
        if not any(_proves(secret, message, given) for secret in keys):
            raise SignatureInvalid("no secret of this source made the signature")
        if abs(now - timestamp) > self.tolerance:
            raise SignatureStale(f"signed {now - timestamp:.0f} s ago")
        return None

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the headers that prove this delivery; a private key is ``whsk_…``."""
        if secret.kind == "bearer":
            return Bearer().sign(delivery, secret, now)
        name = delivery.headers.get("webhook-id") or (
            "msg_" + hashlib.sha256(delivery.body).hexdigest()[:24]
        )
        message = b"%s.%d.%s" % (name.encode("latin-1"), int(now), delivery.body)
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": _sign(secret, message).decode(),
        }


def _family(headers: Mapping[str, str]) -> str | None:
    for family in ("webhook", "svix"):
        if f"{family}-signature" in headers:
            return family
    return None


def _signatures(header: bytes) -> Sequence[bytes]:
    """Return the entries of a signature header, of known versions or not."""
    given = header.split(b" ")
    if len(given) > MAX_SIGNATURES or not all(map(_SIGNATURE.fullmatch, given)):
        raise SignatureInvalid(f"not 1 to {MAX_SIGNATURES} signatures like v1,<base64>")
    return given


def _signed_text(delivery: Delivery, family: str) -> tuple[bytes, int]:
    name = header_bytes(delivery, f"{family}-id")
    timestamp = header_bytes(delivery, f"{family}-timestamp")
    if not _TIMESTAMP.fullmatch(timestamp.decode("latin-1")):
        raise SignatureInvalid("the timestamp is not a number of seconds")
    return b"%s.%s.%s" % (name, timestamp, delivery.body), int(timestamp)


def _decode(text: str) -> bytes:
    """Decode base64 with or without its padding; empty where it is none."""
    try:
        return base64.b64decode(
            text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        return b""


def _proves(secret: Secret, message: bytes, given: Sequence[bytes]) -> bool:
    if secret.kind == "public_key" or secret.value.startswith("whpk_"):
        return any(_proves_v1a(secret, message, text[4:]) for text in given if text[:4] == b"v1a,")
    key = _decode(secret.value.removeprefix("whsec_"))
    if not key:
        return False
    expected = b"v1," + base64.b64encode(hmac.digest(key, message, "sha256"))
    return any(hmac.compare_digest(text, expected) for text in given)


def _proves_v1a(secret: Secret, message: bytes, given: bytes) -> bool:
    key = _decode(secret.value.removeprefix("whpk_"))
    signature = _decode(given.decode("latin-1"))
    if len(key) != 32 or base64.b64encode(signature) != given:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _sign(secret: Secret, message: bytes) -> bytes:
    if secret.value.startswith("whsk_"):
        seed = _decode(secret.value.removeprefix("whsk_"))[:32]
        return b"v1a," + base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(message))
    key = _decode(secret.value.removeprefix("whsec_"))
    return b"v1," + base64.b64encode(hmac.digest(key, message, "sha256"))
