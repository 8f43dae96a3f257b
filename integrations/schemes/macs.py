"""Schemes with a digest of what is sent and a secret, as data: most providers are one line."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from integrations.contract import Delivery, Secret, SignatureInvalid, SignatureStale

from .base import (
    MAX_SIGNATURES,
    Plain,
    body_fields,
    header_bytes,
    is_one_of,
    leading_text,
    seconds_of,
)

ENCODINGS: Mapping[str, Callable[[bytes], str]] = {
    "base64": lambda mac: base64.b64encode(mac).decode(),
    # Without its padding, as RFC 7515 has it.
    "base64url": lambda mac: base64.urlsafe_b64encode(mac).rstrip(b"=").decode(),
    "hex": bytes.hex,
}
#: How key, message and digest make a signature. ``leading`` lets whoever has one signature make
#: another for a longer message: only for senders that offer nothing better.
KEYED: Mapping[str, Callable[[bytes, bytes, str], bytes]] = {
    "hmac": hmac.digest,
    "leading": lambda key, message, digest: hashlib.new(digest, key + message).digest(),
}
_FORMULAS: Mapping[str, str] = {
    "hmac": "HMAC-{digest}(secret, {signed})",
    "leading": "{digest}(secret + {signed})",
}
DIGESTS = frozenset({"sha1", "sha256", "sha384", "sha512"})


def _target(delivery: Delivery) -> bytes:
    """Return path and query of the public address."""
    _, slash, rest = delivery.url.partition("://")[2].partition("/")
    return (slash + rest or "/").encode()


_WHOLE: Mapping[str, Callable[[Delivery], bytes]] = {
    "method": lambda delivery: delivery.method.encode(),
    "url": lambda delivery: delivery.url.encode(),
    "target": _target,
    "body": lambda delivery: delivery.body,
}
#: Parts that name something: ``header:x-time``, ``field:timestamp`` (of a JSON body), ``text:.``.
_NAMING = ("header", "field", "text")
_HEADER = "подпись в заголовке / signature in the header"


@dataclass(frozen=True, slots=True)
class Clock:
    """A signed time in a header of its own, in ``per_second`` units of a second."""

    header: str
    per_second: int = 1
    tolerance: int = 300

    def check(self, delivery: Delivery, now: float) -> None:
        """Raise SignatureStale outside the tolerance (seconds, both ways)."""
        signed = seconds_of(header_bytes(delivery, self.header), digits=15) / self.per_second
        if abs(now - signed) > self.tolerance:
            raise SignatureStale(now - signed)


@dataclass(frozen=True, slots=True)
class HmacHeader(Plain):
    """One header with the HMAC of parts of the delivery, one behind the other.

    ``key`` makes the key's text from the secret. Raises ValueError for a digest, an encoding or a
    part that does not exist: a scheme that nobody knows never starts.
    """

    header: str
    digest: str = "sha256"
    encoding: str = "base64"
    prefix: str = ""
    suffix: str = ""
    parts: tuple[str, ...] = ("body",)
    keyed: str = "hmac"
    clock: Clock | None = None
    key: Callable[[str], str] = str

    def __post_init__(self) -> None:
        known = {"digest": DIGESTS, "encoding": ENCODINGS, "keyed": KEYED}
        for name, words in known.items():
            if getattr(self, name) not in words:
                raise ValueError(f"{name} {getattr(self, name)!r}: {', '.join(sorted(words))}")
        for part in self.parts:
            kind, colon, _ = part.partition(":")
            if part not in _WHOLE and not (colon and kind in _NAMING):
                raise ValueError(f"part {part!r}: {', '.join([*_WHOLE, 'header:…', 'field:…'])}")
        if not self.covers:
            raise ValueError("parts: nothing of the delivery is signed")

    @property
    def covers(self) -> frozenset[str]:
        return frozenset(part for part in self.parts if not part.startswith("text:"))

    @property
    def headers(self) -> frozenset[str]:
        named = {part.removeprefix("header:") for part in self.parts if part.startswith("header:")}
        return frozenset({self.header, *named, *((self.clock.header,) if self.clock else ())})

    @property
    def words(self) -> str:
        formula = _FORMULAS[self.keyed].format(
            digest=self.digest.upper(), signed=" + ".join(map(_spelled, self.parts))
        )
        around = (self.prefix, f"{self.encoding}({formula})", self.suffix)
        clock = f", ± {self.clock.tolerance} s" if self.clock else ""
        return f"{_HEADER} `{self.header}`: {''.join(around)}{clock}"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the header is the signature by one of the secrets."""
        given = header_bytes(delivery, self.header)
        message = self._message(delivery)
        keys = [self.key(secret.value).encode() for secret in secrets]
        if not is_one_of(given, (self._signature(message, key) for key in keys if key)):
            raise SignatureInvalid("no secret of this source made the signature")
        if self.clock is not None:
            self.clock.check(delivery, now)

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the headers that prove this delivery."""
        clock = self.clock
        stamp = {clock.header: str(int(now * clock.per_second))} if clock else {}
        message = self._message(replace(delivery, headers={**delivery.headers, **stamp}))
        signature = self._signature(message, self.key(secret.value).encode())
        return {self.header: signature.decode(), **stamp}

    def _message(self, delivery: Delivery) -> bytes:
        names = [part.partition(":")[2] for part in self.parts if part.startswith("field:")]
        fields = self._fields(delivery, names)
        return b"".join(_part(part, delivery, fields) for part in self.parts)

    def _fields(self, delivery: Delivery, names: Sequence[str]) -> Mapping[str, str]:
        if len(names) == 1 and "body" in self.parts:
            text = leading_text(delivery.body, names[0])
            if text is not None:
                return {names[0]: text}
        return body_fields(delivery.body, names) if names else {}

    def _signature(self, message: bytes, key: bytes) -> bytes:
        mac = KEYED[self.keyed](key, message, self.digest)
        return f"{self.prefix}{ENCODINGS[self.encoding](mac)}{self.suffix}".encode()


def _spelled(part: str) -> str:
    kind, colon, name = part.partition(":")
    return f'"{name}"' if kind == "text" else name if colon else part


def _part(part: str, delivery: Delivery, fields: Mapping[str, str]) -> bytes:
    if part in _WHOLE:
        return _WHOLE[part](delivery)
    kind, _, name = part.partition(":")
    if kind == "header":
        return header_bytes(delivery, name)
    if kind == "field":
        if name not in fields:
            raise SignatureInvalid(f"the body has no {name}, which is signed")
        return fields[name].encode()
    return name.encode()


@dataclass(frozen=True, slots=True)
class StampedHeader(Plain):
    """One header with a time and signatures: ``t=1533204620,v1=<hex>,v0=…`` (Stripe).

    Several ``v1`` are several keys of a rotation; other versions are passed over. Only the past is
    bounded (seconds): the provider's own library takes a time ahead of the clock.
    """

    header: str
    version: str = "v1"
    tolerance: int = 300

    @property
    def covers(self) -> frozenset[str]:
        return frozenset({"body", "timestamp"})

    @property
    def words(self) -> str:
        formula = f't=…,{self.version}=hex(HMAC-SHA256(secret, t + "." + body))'
        return f"{_HEADER} `{self.header}`: {formula}, {self.tolerance} s"

    @property
    def headers(self) -> frozenset[str]:
        return frozenset({self.header})

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid, or SignatureStale where only the time is wrong."""
        items = [
            item.partition(b"=")[::2] for item in header_bytes(delivery, self.header).split(b",")
        ]
        # A header that came twice is joined by ", ": its second time has a space before it.
        stamps = [(name, value) for name, value in items if name.strip() == b"t"]
        given = [value for name, value in items if name == self.version.encode()]
        if [name for name, _ in stamps] != [b"t"] or len(given) > MAX_SIGNATURES:
            raise SignatureInvalid(f"not one t= and 1 to {MAX_SIGNATURES} {self.version}=")
        stamp = stamps[0][1]
        signed = seconds_of(stamp)
        expected = [_stamped(one, stamp, delivery.body) for one in secrets if one.value]
        if not any([is_one_of(one, expected) for one in given]):
            raise SignatureInvalid("no secret of this source made the signature")
        if now - signed > self.tolerance:
            raise SignatureStale(now - signed)

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the header that proves this delivery."""
        stamp = b"%d" % int(now)
        signature = _stamped(secret, stamp, delivery.body).decode()
        return {self.header: f"t={stamp.decode()},{self.version}={signature}"}


def _stamped(secret: Secret, stamp: bytes, body: bytes) -> bytes:
    mac = hmac.digest(secret.value.encode(), stamp + b"." + body, "sha256")
    return mac.hex().encode()
