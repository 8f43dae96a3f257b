"""Providers with the simplest schemes there are, for tests of the receiver alone."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations.cloudevents import PROVIDER as CLOUDEVENTS
from integrations.contract import Answer, Delivery, Event, Provider, Secret, SignatureInvalid
from integrations.schemes import Parameter

HEADER = "x-signature"


@dataclass(frozen=True, slots=True)
class Hmac:
    """The simplest scheme there is; ``crash`` in the body is a bug of the scheme."""

    covers = frozenset({"body", "url"})
    headers = frozenset({HEADER})
    secret_headers = frozenset({"x-password"})
    words = "подпись в заголовке / signature in the header: x-signature"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        if b"crash" in delivery.body:
            raise KeyError("a bug")
        given = delivery.headers.get(HEADER, "").encode("latin-1")
        for secret in secrets:
            if hmac.compare_digest(given, signature(delivery.body, secret.value, delivery.url)):
                return
        raise SignatureInvalid

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        return {HEADER: signature(delivery.body, secret.value, delivery.url).decode()}


def signature(body: bytes, secret: str, url: str = "") -> bytes:
    """Return the value of the header that signs a URL and a body."""
    mac = hmac.digest(secret.encode(), url.encode() + body, hashlib.sha256)
    return base64.b64encode(mac)


def _split(delivery: Delivery) -> list[Event]:
    return []


PLAIN = Provider(
    slug="plain", title="Plain", scheme=Hmac(), split=_split, normalisers={}, redacted=("token",)
)
SOAP = Provider(
    slug="soap",
    title="Soap",
    scheme=Hmac(),
    split=_split,
    normalisers={},
    methods=frozenset({"POST", "GET"}),
    answer=Answer(b"<Ack>true</Ack>", "text/xml"),
)

ASKING = Provider(
    slug="asking",
    title="Asking",
    scheme=Hmac(),
    split=_split,
    normalisers={},
    handshake=lambda delivery: delivery.body == b"webhook_id=5" or len(delivery.body) > 256,
)
ASKED = Provider(
    slug="asked",
    title="Asked",
    scheme=Parameter("token"),
    split=_split,
    normalisers={},
    methods=frozenset({"POST", "GET"}),
    reads_query=True,
    redacted=("token",),
)

PROVIDERS = {one.slug: one for one in (PLAIN, SOAP, ASKING, ASKED, CLOUDEVENTS)}
