"""What a provider is: four pure verbs and the errors they may raise.

    IntegrationError
    ├── SignatureInvalid      401, counted
    │   └── SignatureStale    401, the signed time is outside the tolerance
    ├── EventUnsupported      outcome *unsupported*: kept and replayable
    └── PayloadUnrecognised   a dead letter at once, with the path of what was not understood

Anything else that escapes a provider is a bug.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sales.drafts import Draft


class IntegrationError(Exception):
    """The root of what a provider may raise."""


class SignatureInvalid(IntegrationError):
    """The delivery does not prove that its sender knows a secret."""


class SignatureStale(SignatureInvalid):
    """The signature is right, and its time is outside the tolerance."""


class EventUnsupported(IntegrationError):
    """No normaliser knows this type of event yet."""


class PayloadUnrecognised(IntegrationError):
    """The payload is not what the provider documents.

    ``path`` names the place in the payload (``data.object.total``), ``reason`` says what is wrong.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path[:500]  # a key may be a megabyte long
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP request as received.

    ``headers`` has lower-case names; a value is text of one character per byte (latin-1), and the
    values of a repeated header are joined by ``", "``. ``path`` is what follows the token.
    ``url`` is the source's configured public URL, never taken from the Host header.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a source, in clear, with its kind (``signing``, ``bearer``, ``public_key``)."""

    value: str
    kind: str = "signing"


@dataclass(frozen=True, slots=True)
class Event:
    """One business fact that a provider states. ``payload`` is parsed, numbers as Decimal or int.

    ``key`` is the provider's id of the event; the content hash is added by the pipeline.
    ``merchant`` names the provider's own account, where one endpoint serves many.
    """

    key: str
    type: str
    payload: Any
    occurred_at: datetime | None = None
    merchant: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The settings of a source, and the first receipt of the event, as arguments of a normaliser.

    ``received`` is in microseconds since 1970. ``timezone`` is an IANA name.
    """

    currency: str
    timezone: str
    received: int
    prices_include_tax: bool | None = None
    location: str | None = None
    is_test: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Read:
    """A thin event asks for the entity itself: fetched later, and staged as a delivery."""

    kind: str
    external_id: str


Statement = Draft | Read


class Normaliser(Protocol):
    def __call__(self, event: Event, context: Context, /) -> Sequence[Statement] | None:
        """Return what the event states; None for what can never become a sale.

        Raises PayloadUnrecognised.
        """


class Scheme(Protocol):
    """How a delivery proves itself. ``covers`` names what the proof depends on."""

    @property
    def covers(self) -> frozenset[str]: ...

    @property
    def headers(self) -> frozenset[str]:
        """The lower-case names of the headers that carry proof; stripping one must be refused."""

    @property
    def secret_headers(self) -> frozenset[str]:
        """Headers that hold the secret itself: never stored, never logged."""

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid (or SignatureStale) unless one of the secrets proves it."""

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the headers that prove this delivery: for samples, the demo and tests."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a 200, where the provider wants another than ours."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A kind of till or CRM, as data and a few pure functions."""

    slug: str
    title: str
    scheme: Scheme
    split: Callable[[Delivery], list[Event]]
    normalisers: Mapping[str, Normaliser]
    #: Types that are no sale and never will be: accepted, kept, outcome *ignored*.
    ignored: frozenset[str] = frozenset()
    #: Revision of the normalisers: raise it whenever their reading of a payload changes.
    mapper: int = 1
    methods: frozenset[str] = frozenset({"POST", "PUT"})
    #: Unsigned headers that say what the body is (Shopify's topic): lower-case names. Whoever holds
    #: a captured body can change them, so nothing but the type and the key may follow from them.
    reads_headers: frozenset[str] = frozenset()
    #: Who makes the secret: "us" (standard, evotor) or "provider" (pasted in by a person).
    secret_from: str = "provider"  # noqa: S105
    #: Marked as unsigned wherever a source is shown: a bearer proves the sender, not the body.
    signed: bool = True
    #: JSON paths of OAuth tokens inside events, cut after verification.
    redacted: tuple[str, ...] = ()
    answer: Answer | None = None
    default_currency: str | None = None
