"""What a provider is: four pure verbs and the errors they may raise.

    IntegrationError
    ├── SignatureInvalid      401, counted
    │   ├── SignatureMissing  401, the header that would prove it is not there
    │   └── SignatureStale    401, the signed time is outside the tolerance
    ├── EventUnsupported      outcome *unsupported*: kept and replayable
    ├── PersonNeeded          a dead letter at once: understood, and only a person can do it
    └── PayloadUnrecognised   a dead letter at once, with the path of what was not understood

Anything else that escapes a provider is a bug.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from sales.drafts import Draft

from .asking import Api
from .senders import Sender


class IntegrationError(Exception):
    """The root of what a provider may raise."""


class SignatureInvalid(IntegrationError):
    """The delivery does not prove that its sender knows a secret."""


class SignatureMissing(SignatureInvalid):
    """The header that would prove the delivery is not there."""


class SignatureStale(SignatureInvalid):
    """The signature is right, and its time is outside the tolerance.

    ``age`` is how many seconds ago it was made by the sender's clock, negative for the future.
    """

    def __init__(self, age: float) -> None:
        super().__init__(f"signed {age:.0f} s ago")
        self.age = age


class EventUnsupported(IntegrationError):
    """No normaliser knows this type of event yet."""


class PersonNeeded(IntegrationError):
    """The event asks for something that nothing here can do; the message says to a person what."""


class PayloadUnrecognised(IntegrationError):
    """The payload is not what the provider documents.

    ``path`` names the place in the payload (``data.object.total``), ``reason`` says what is wrong.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path[:500]  # a key may be a megabyte long
        self.reason = reason


class SettingUnusable(ValueError):
    """A setting of a source cannot be used; ``place`` names what in it, where it is a document."""

    def __init__(self, place: str, russian: str, english: str) -> None:
        super().__init__(f"{place}: {russian} / {place}: {english}")
        self.place = place
        self.russian = russian
        self.english = english


#: Among a source's settings: how often what its bodies mean was changed.
REVISION = "revision"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP request as received.

    ``headers`` has lower-case names; a value is text of one character per byte (latin-1), and the
    values of a repeated header are joined by ``", "``. ``path`` is what follows the token.
    ``url`` is the source's configured public URL, never taken from the Host header.
    ``answered`` is set on what we asked the provider for: the body is then an envelope of answers.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    url: str
    answered: "Answered | None" = None


@dataclass(frozen=True, slots=True)
class Answered:
    """When and over what a provider answered us; all in microseconds since 1970.

    ``sent`` is when we asked, by the database's clock; ``date`` the answer's own ``Date``; ``over``
    the greatest comparable clock that was known for the object when we asked.
    """

    sent: int
    date: int | None = None
    over: int | None = None


#: The kind of a secret that opens the provider's API to us; it proves no delivery.
API = "api"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a source, in clear, with its kind.

    ``signing``, ``bearer``, ``public_key`` prove deliveries; ``api`` opens the provider's API.
    """

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
    #: Set where the event is an answer to a question of ours.
    answered: Answered | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A thin event asks for the entity itself: fetched later, and staged as a delivery.

    ``clock`` (microseconds) is as of when the event speaks, on the clock that the answer will have:
    an older answer is one of a lagging replica. ``deleted`` says that it spoke of a deletion, so
    that "not found" is believed at once. ``settle`` asks a second time after so many seconds of
    quiet: for objects without a usable clock of their own.
    """

    kind: str
    external_id: str
    clock: int | None = None
    deleted: bool = False
    settle: float | None = None


Statement = Draft | Read


#: The header in which the receiver keeps the merchant that a scheme has proven; none of a sender's.
MERCHANT = "x-gjango-merchant"


class Normaliser(Protocol):
    def __call__(self, event: Event, context: Context, /) -> Sequence[Statement] | None:
        """Return what the event states; None for what can never become a sale.

        Raises PayloadUnrecognised.
        """


@runtime_checkable
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

    @property
    def words(self) -> str:
        """What proves a delivery, told to people: Russian, " / ", English."""

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid (or SignatureStale) unless one of the secrets proves it."""

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return the headers that prove this delivery: for samples, the demo and tests."""


@runtime_checkable
class ProofInBody(Protocol):
    """A scheme whose proof stands in the body, where ``sign`` has no header to give."""

    def sealed(self, delivery: Delivery, secret: Secret) -> bytes:
        """Return the body with the proof in it: for samples, the demo and tests."""


@runtime_checkable
class ProofInQuery(Protocol):
    """A scheme whose proof may stand in the query, as parameters of the request."""

    def sealed_query(self, delivery: Delivery, secret: Secret) -> str:
        """Return the query with the proof in it, as it is where the proof stands elsewhere."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, where the provider wants another body than ours."""

    body: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Called:
    """A proven delivery whose sender waits for more than a receipt.

    ``secrets`` prove deliveries of its source, the one to issue proof with first; ``settings`` are
    those of the source.
    """

    delivery: Delivery
    secrets: Sequence[Secret]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Brought:
    """A secret inside a delivery that opens the provider's API for one of its merchants."""

    merchant: str
    value: str = field(repr=False)


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
    #: a captured body can change them, so nothing but the type, the key and an app's merchant may
    #: follow from them.
    reads_headers: frozenset[str] = frozenset()
    #: The query is a form with parameters of the event: GET brings one then and is no probe, and
    #: what is ``redacted`` is cut from the query as well.
    reads_query: bool = False
    #: Who makes the secret: "us" (standard, evotor) or "provider" (pasted in by a person).
    secret_from: str = "provider"  # noqa: S105
    #: Marked as unsigned wherever a source is shown: a bearer proves the sender, not the body.
    signed: bool = True
    #: JSON paths of OAuth tokens inside events, cut after verification.
    redacted: tuple[str, ...] = ()
    answer: Answer | None = None
    #: What is answered to a probe with these headers (lower-case names), where it asks for more
    #: than 200; None for the usual answer. Raises nothing.
    probe: Callable[[Mapping[str, str]], Answer | None] | None = None
    #: Whether a request without proof is the sender's question if we are here, and nothing else: it
    #: is answered like a delivery and never staged. Asked only of what carries no proof at all, so
    #: it compares the bytes with the one text that it may be. Raises nothing.
    handshake: Callable[[Delivery], bool] | None = None
    #: Whether that question may carry a signature, by a key that nobody has been given yet.
    handshake_signed: bool = False
    #: What of that question a person has to copy into the provider's console: it is kept for a week
    #: and shown, never staged. None where there is nothing to copy. Raises nothing.
    code: Callable[[Delivery], str] | None = None
    #: What the sender expects of an answer, and what it does without one.
    sender: Sender = field(default_factory=Sender)
    #: Where the answer depends on what was sent: the answer to a delivery that is kept whatever it
    #: is, None for the usual one. Raises nothing.
    respond: Callable[[Called], Answer | None] | None = None
    #: What to say to whoever proved nothing at a path (401), where it is not ours to word.
    refusal: Callable[[str], Answer] | None = None
    #: The secret that a delivery brings, None for most. It has to be cut out too (``redacted``).
    #: Raises nothing.
    brings: Callable[[Delivery], Brought | None] | None = None
    #: The password that lets a merchant link himself under a login, made of a source's secret.
    invite: Callable[[str, Secret], str] | None = None
    default_currency: str | None = None
    #: Where one address may serve many merchants: the body of what a delivery holds of one of
    #: them. None where each needs an address of its own.
    part: Callable[[Delivery, str], bytes] | None = None
    #: The setting by which a source knows which merchant it is of: one that is connected to an app
    #: has it from its connection.
    merchant_setting: str = ""
    #: How thin events are read and lost ones found: None where the provider sends all it knows.
    api: Api | None = None
    #: For senders whose bodies nothing proves: type of event → what to read instead of believing
    #: it, where a source is set to ``confirm``. It holds every pushed type that states anything.
    confirm: Mapping[str, Normaliser] = field(default_factory=dict)
    #: Whether the same words may tell of another state: a repetition of an event asks again for
    #: what it names. For senders whose bodies have neither an id of the event nor a time.
    asks_again: bool = False
    #: Settings of this provider's sources beyond those of every source: name → reader of its text,
    #: which raises ValueError.
    settings: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    #: Which of them only an app has, and no payload is read with: name → what it is.
    app_settings: Mapping[str, str] = field(default_factory=dict)
    #: Those of them that a source cannot be without: name → what it is. They say what its bodies
    #: mean: a change of one counts in its setting ``revision``.
    requires: Mapping[str, str] = field(default_factory=dict)
    #: Other settings that say what its bodies mean, and count as well.
    says_anew: frozenset[str] = frozenset()
    #: Makes the provider of one source from its settings, where they say how it proves itself and
    #: what it sends. Raises SettingUnusable.
    configured: "Callable[[Mapping[str, Any]], Provider] | None" = None

    def of(self, settings: Mapping[str, Any]) -> "Provider":
        """Return the provider as it is for a source with these settings.

        Raises SettingUnusable.
        """
        return self if self.configured is None else self.configured(settings)

    def __post_init__(self) -> None:
        if not isinstance(self.scheme, Scheme):
            raise TypeError(
                f"{self.slug}: scheme {self.scheme!r}: нужна схема из integrations/schemes, для "
                "неподписанных Address() / a scheme is needed, Address() where nothing is signed"
            )
        if self.confirm and self.api is None:
            raise TypeError(
                f"{self.slug}: confirm: некого спросить, нужен api / nobody to ask, api is needed"
            )
