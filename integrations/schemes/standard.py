"""Standard Webhooks: HMAC-SHA256 (v1) or Ed25519 (v1a) over id, time and body."""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from integrations.contract import Delivery, Secret, SignatureInvalid, SignatureStale

from .base import MAX_SIGNATURES, decoded, header_bytes, seconds_of
from .tokens import Bearer

_SIGNATURE = re.compile(rb"[a-z0-9]{1,8},[A-Za-z0-9+/_=-]+")


def new_signing_secret() -> str:
    """Return a fresh secret for Standard Webhooks: ``whsec_`` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


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
    def words(self) -> str:
        return (
            "заголовки / headers `webhook-id`, `webhook-timestamp`, `webhook-signature`: "
            f"v1,base64(HMAC-SHA256(secret, id.timestamp.body)), v1a — Ed25519, ± {self.tolerance}"
            " s; либо / or `authorization: Bearer`"
        )

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
            raise SignatureStale(now - timestamp)
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
    seconds = seconds_of(timestamp)
    return b"%s.%s.%s" % (name, timestamp, delivery.body), seconds


def _proves(secret: Secret, message: bytes, given: Sequence[bytes]) -> bool:
    if secret.kind == "public_key" or secret.value.startswith("whpk_"):
        return any(_proves_v1a(secret, message, text[4:]) for text in given if text[:4] == b"v1a,")
    key = decoded(secret.value.removeprefix("whsec_"))
    if not key:
        return False
    expected = b"v1," + base64.b64encode(hmac.digest(key, message, "sha256"))
    return any(hmac.compare_digest(text, expected) for text in given)


def _proves_v1a(secret: Secret, message: bytes, given: bytes) -> bool:
    key = decoded(secret.value.removeprefix("whpk_"))
    signature = decoded(given.decode("latin-1"))
    if len(key) != 32 or base64.b64encode(signature) != given:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _sign(secret: Secret, message: bytes) -> bytes:
    if secret.value.startswith("whsk_"):
        seed = decoded(secret.value.removeprefix("whsk_"))[:32]
        return b"v1a," + base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(message))
    key = decoded(secret.value.removeprefix("whsec_"))
    return b"v1," + base64.b64encode(hmac.digest(key, message, "sha256"))
