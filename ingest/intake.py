"""From a request to a committed delivery: whose it is, what it holds, that it is genuine."""

import asyncio
import re
import time
import traceback
from collections.abc import Mapping, MutableMapping
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from integrations.contract import (
    MERCHANT,
    Answer,
    Called,
    Delivery,
    Provider,
    SignatureInvalid,
    SignatureStale,
)

from . import metrics
from .addresses import TrustedProxies, is_within, peer_of
from .answers import Refusal, unavailable
from .body import CLOSE, BodyReader, Receive, content_length
from .brought import sealed
from .crypto import Vault
from .handshakes import HANDSHAKE, is_handshake, is_probe
from .headers import encode
from .limits import Limits
from .patience import patience_of
from .quarantine import Quarantine
from .redaction import cut_all
from .sources import LookupUnavailable, Route, Sources
from .staging import Row
from .turn import Turn
from .writer import NotStaged, Writer

log = structlog.get_logger()

Scope = MutableMapping[str, Any]

PREFIX = b"/hooks/"
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{32,128}")
_CODINGS = frozenset({"", "identity", "chunked"})


class Taken(NamedTuple):
    """A request that is answered: by its provider, staged unless it was a probe."""

    provider: Provider
    delivery: UUID | None
    #: What its provider answers to this very one.
    answer: Answer | None = None


def token_of(raw_path: bytes) -> tuple[str, str]:
    """Return the token and what follows it (``""``, ``"/"``, ``"/more"``). Raises Refusal."""
    token, slash, rest = raw_path[len(PREFIX) :].partition(b"/")
    if not raw_path.startswith(PREFIX) or not _TOKEN.fullmatch(token):
        raise Refusal("not_found", cause="token_malformed")
    return token.decode(), (slash + rest).decode("latin-1")


class Intake:
    """Takes one request after the other; every refusal is raised as Refusal."""

    def __init__(
        self,
        limits: Limits,
        *,
        sources: Sources,
        writer: Writer,
        quarantine: Quarantine,
        proxies: TrustedProxies,
        vault: Vault,
        public_url: str,
    ) -> None:
        self._limits = limits
        self._vault = vault
        self._sources = sources
        self._writer = writer
        self._quarantine = quarantine
        self._proxies = proxies
        self._bodies = BodyReader(limits)
        self._turn = Turn()
        self._public_url = public_url.rstrip("/")

    async def take(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> Taken:
        """Verify and stage a request; return after the commit. Raises Refusal."""
        came = asyncio.get_running_loop().time()
        token, rest = token_of(scope["raw_path"])
        self._admit()
        route = await self._route(token)
        provider = self._admitted(route, scope["method"])
        if is_probe(provider, scope["method"]):
            return Taken(provider, None, provider.probe(headers) if provider.probe else None)
        length = self._readable(headers)
        self._bounded_proof(provider, headers, rest)
        body = await self._bodies.read(receive, length)
        self._admit()
        delivery = Delivery(
            scope["method"],
            rest,
            scope["query_string"].decode("latin-1"),
            headers,
            body,
            route.public_url or self._url(scope),
        )
        if is_handshake(provider, delivery):
            self._note_code(route, provider, delivery=delivery, scope=scope)
            return Taken(provider, None)
        if route.state == "needs_secret":
            raise Refusal("secret_missing")
        if len(body) > self._limits.verify_inline_bytes:
            row, answer = await asyncio.to_thread(
                self._row, route, provider, delivery=delivery, scope=scope
            )
        else:
            row, answer = self._row(route, provider, delivery=delivery, scope=scope)
        patience = patience_of(provider, self._limits)
        until = None if patience is None else came + patience
        staged = await self._staged(row, held=route.state == "paused", until=until)
        return Taken(provider, staged, answer)

    def _admit(self) -> None:
        """Refuse what could not be written in time, before and after reading: what it costs to
        verify is for those who can be taken in."""
        if self._turn.spent() > self._limits.turn_seconds:
            raise unavailable(self._limits, "overloaded")
        try:
            self._writer.admit()
        except NotStaged as error:
            raise unavailable(self._limits, error.cause) from error

    async def _route(self, token: str) -> Route:
        found = self._sources.cached(token)
        try:
            route = found[1] if found else await self._sources.find(token)
        except LookupUnavailable as error:
            raise unavailable(self._limits, "lookup") from error
        if route is None or route.state == "disabled":
            raise Refusal("not_found")
        return route

    def _admitted(self, route: Route, method: str) -> Provider:
        """Return the provider of a source that may be sent to with this method."""
        provider = route.provider
        if provider is None or route.unreadable:
            # Our fault, not the sender's: a provider or a key that this installation lacks.
            cause = "provider_unknown" if provider is None else "secret_unreadable"
            log.error(
                "source_unusable", cause=cause, source_id=route.source_id, provider=route.slug
            )
            raise unavailable(self._limits, cause)
        if method not in provider.methods:
            allowed = ", ".join(sorted(provider.methods)).encode()
            raise Refusal("method_not_allowed", {b"allow": allowed})
        # Whoever asks if we are here may do so before there is a secret to be given.
        if route.state == "needs_secret" and provider.handshake is None:
            raise Refusal("secret_missing")
        return provider

    def _readable(self, headers: Mapping[str, str]) -> int | None:
        """Return the Content-Length of a body that is not coded in a way we do not take."""
        coded = headers.get("transfer-encoding")
        if coded and not {one.strip() for one in coded.lower().split(",")} <= _CODINGS:
            raise Refusal("malformed", CLOSE)
        if headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
            raise Refusal("encoding_unsupported", CLOSE)
        return content_length(headers.get("content-length"))

    def _bounded_proof(self, provider: Provider, headers: Mapping[str, str], path: str) -> None:
        """Refuse proof that is too long to be one before anything is computed from it."""
        for name in provider.scheme.headers:
            value, cause = headers.get(name, ""), ""
            if len(value) > self._limits.signature_bytes:
                cause = "signature_too_long"
            elif len(value.split()) > self._limits.signatures:
                cause = "too_many_signatures"
            if cause:
                raise _worded(Refusal("signature_invalid", cause=cause), provider, path)

    def _url(self, scope: Scope) -> str:
        """Return the address as asked under the configured PUBLIC_URL, never under Host."""
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1")
        return f"{self._public_url}{path}?{query}" if query else self._public_url + path

    def _row(
        self, route: Route, provider: Provider, *, delivery: Delivery, scope: Scope
    ) -> tuple[Row, Answer | None]:
        """Verify; return what is to be staged, and the provider's own answer. Raises Refusal."""
        self._check(route, provider, delivery=delivery, scope=scope)
        _note_ending(route, provider, delivery=delivery)
        content_type = delivery.headers.get("content-type", "")
        query, body, paths = cut_all(provider, scope["query_string"], delivery.body, content_type)
        answer = None
        if provider.respond is not None:
            answer = provider.respond(Called(delivery, route.issuing, route.settings))
        row = Row(
            route.account_id,
            route.source_id,
            "push",
            delivery.method,
            delivery.path,
            query,
            content_type,
            encode(scope["headers"], hidden=route.hidden, limit=self._limits.header_bytes)
            + _merchant(route, provider, delivery),
            body,
            sha256(delivery.body).digest(),
            paths,
            *sealed(provider, delivery, self._vault),
        )
        return row, answer

    def _check(self, route: Route, provider: Provider, *, delivery: Delivery, scope: Scope) -> None:
        """Raise Refusal unless the delivery is genuine; one that is not is kept for a while."""
        try:
            if route.allowed is not None and not is_within(
                self._client(scope, delivery.headers), route.allowed
            ):
                raise Refusal("address_refused")
            _verify(route, provider, delivery=delivery)
        except Refusal as refusal:
            _worded(refusal, provider, delivery.path)
            known = isinstance(refusal.__cause__, SignatureInvalid)
            detail = str(refusal.__cause__) if known else ""
            self._keep(route, delivery, scope, reason=refusal.cause, detail=detail)
            raise

    def _note_code(
        self, route: Route, provider: Provider, *, delivery: Delivery, scope: Scope
    ) -> None:
        """Keep the code of a question, where a person has to copy it: it is no delivery."""
        if provider.code is not None:
            code = provider.code(delivery)
            self._keep(route, delivery, scope, reason=HANDSHAKE, detail=code)

    def _keep(
        self, route: Route, delivery: Delivery, scope: Scope, *, reason: str, detail: str
    ) -> None:
        self._quarantine.keep(
            route,
            delivery,
            pairs=scope["headers"],
            reason=reason,
            detail=detail,
            address=self._client(scope, delivery.headers),
        )

    def _client(self, scope: Scope, headers: Mapping[str, str]) -> str:
        return self._proxies.client(peer_of(scope), headers.get("x-forwarded-for", ""))

    async def _staged(self, row: Row, *, held: bool, until: float | None) -> UUID:
        """Return the id of the row after its commit; ``until`` is when its sender will be gone.

        He is answered before that. The row is written all the same, for he may never come again,
        and if he does it is a duplicate.
        """
        try:
            staged = self._writer.submit(row, held=held)
            async with asyncio.timeout_at(until):
                return await (staged if until is None else asyncio.shield(staged))
        except TimeoutError as error:
            raise unavailable(self._limits, "sender_gone") from error
        except NotStaged as error:
            raise unavailable(self._limits, error.cause) from error


def _worded(refusal: Refusal, provider: Provider, path: str) -> Refusal:
    """Return the refusal in the words that its sender understands."""
    if provider.refusal is not None:
        refusal.worded = provider.refusal(path)
    return refusal


def _verify(route: Route, provider: Provider, *, delivery: Delivery) -> None:
    try:
        provider.scheme.verify(delivery, route.secrets, time.time())
    except SignatureStale as error:
        raise Refusal("signature_stale") from error
    except SignatureInvalid as error:
        raise Refusal("signature_invalid") from error
    except Exception as error:
        # A stranger's bytes found a bug in a scheme. No message: it may quote a secret.
        last = traceback.extract_tb(error.__traceback__)[-1]
        log.error(
            "verification_failed",
            provider=provider.slug,
            error=type(error).__name__,
            place=f"{last.filename.rsplit('/', 2)[-1]}:{last.lineno}",
        )
        raise Refusal("signature_invalid", cause="verify_error") from error


def _merchant(route: Route, provider: Provider, delivery: Delivery) -> bytes:
    """Return a header of ours with the merchant that the proof names: the proof is not kept."""
    # Looked up by name: asking a protocol costs more than all else here, and most have none.
    named = getattr(provider.scheme, "merchant", None)
    merchant = None if named is None else named(delivery, route.secrets)
    return b"" if merchant is None else f"{MERCHANT}: {merchant}\r\n".encode()


def _note_ending(route: Route, provider: Provider, *, delivery: Delivery) -> None:
    """Count what only an old secret proved: who looks knows when nobody uses it any more."""
    if not route.lasting or len(route.lasting) == len(route.secrets):
        return
    try:
        provider.scheme.verify(delivery, route.lasting, time.time())
    except SignatureInvalid:
        metrics.ending_secret_used(route.source_id)
