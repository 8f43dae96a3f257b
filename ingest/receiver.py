"""The receiver: a bare ASGI application that verifies, stages, and answers after the commit.

No Django, no Redis and no other work on its event loop while a request waits.
"""

import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from integrations.contract import Provider

from . import metrics
from .addresses import Refusals, TrustedProxies, peer_of
from .answers import JSON, TEXTS, Pairs, Refusal, language_of, refusal_body, unavailable
from .body import CLOSE, Receive, may_be_unread
from .crypto import Vault, mask
from .headers import joined
from .intake import PREFIX, Intake, Scope, Taken
from .limits import Limits
from .quarantine import Quarantine
from .sources import Sources
from .sparing import Sparing
from .writer import Writer

log = structlog.get_logger()

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Reply = tuple[int, bytes, Pairs]

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
#: Refusals that one address may draw only so often.
_LIMITED = frozenset(
    {"not_found", "signature_invalid", "signature_stale", "secret_missing", "address_refused"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConfig:
    """What the receiver has to know. ``on_staged`` gets the ids of a batch and must not block."""

    database_url: str
    keys: Sequence[str] = field(repr=False)
    public_url: str
    limits: Limits = field(default_factory=Limits)
    trusted_proxies: Sequence[str] = ("127.0.0.1", "::1")
    on_staged: Callable[[list[UUID]], None] | None = None


def create_app(
    config: ReceiverConfig, providers: Mapping[str, Provider] | None = None
) -> Application:
    """Return the ASGI application for ``/hooks/…`` and the lifespan.

    Raises VaultError for unusable keys and ValueError for unusable proxies.
    """
    if providers is None:
        from integrations.registry import PROVIDERS

        providers = PROVIDERS
    return Receiver(config, providers)


class Receiver:
    """The application; its parts are made once, its tasks start with the lifespan."""

    def __init__(self, config: ReceiverConfig, providers: Mapping[str, Provider]) -> None:
        limits, url = config.limits, config.database_url
        self._limits = limits
        vault = Vault(config.keys)
        self._sources = Sources(url, limits, vault, providers=providers)
        self._writer = Writer(url, limits, on_staged=config.on_staged)
        self._quarantine = Quarantine(url, limits, vault)
        self._proxies = TrustedProxies(config.trusted_proxies)
        self._intake = Intake(
            limits,
            sources=self._sources,
            writer=self._writer,
            quarantine=self._quarantine,
            proxies=self._proxies,
            vault=vault,
            public_url=config.public_url,
        )
        self._refusals = Refusals(limits)
        self._lines = Sparing()
        self._process = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the lifespan."""
        if scope["type"] == "http":
            await self._respond(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = (await receive())["type"]
            if event == "lifespan.startup":
                self._writer.start()
                self._quarantine.start()
            else:
                await self._writer.close()
                await self._quarantine.close()
                await self._sources.close()
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = joined(scope["headers"])
        request_id = self._request_id(scope, headers)
        try:
            taken = await self._intake.take(scope, receive, headers)
            status, body, pairs = _reply(taken)
            metrics.accepted(taken.provider.slug, time.perf_counter() - started)
        except Refusal as refusal:
            status, body, pairs = self._refuse(refusal, scope, headers, request_id=request_id)
        except Exception:
            # Never 500: some senders switch a hook off for it. They come again after a 503.
            log.exception("receiver_failed", request_id=request_id)
            broken = unavailable(self._limits, "bug")
            status, body, pairs = self._refuse(broken, scope, headers, request_id=request_id)
        pairs += (
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id.encode()),
        )
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _request_id(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """Return the id that our own proxy gave the request, or a new one."""
        given = headers.get("x-request-id")
        if given and _REQUEST_ID.fullmatch(given) and self._proxies.trusts(peer_of(scope)):
            return given
        return f"{self._process}{next(self._numbers):08x}"

    def _refuse(
        self, refusal: Refusal, scope: Scope, headers: Mapping[str, str], *, request_id: str
    ) -> Reply:
        metrics.rejected(refusal.cause)
        code, extra = refusal.code, refusal.headers
        if code in _LIMITED:
            address = self._proxies.client(peer_of(scope), headers.get("x-forwarded-for", ""))
            if wait := self._refusals.take(address):
                metrics.rejected("rate_limited")
                code, extra = "rate_limited", {b"retry-after": b"%d" % (int(wait) + 1)}
        if code != "rate_limited":
            self._log(refusal, scope, request_id)
        if may_be_unread(headers):
            extra = {**extra, **CLOSE}
        language = language_of(headers.get("accept-language", ""))
        body, kind = refusal_body(code, language=language, request_id=request_id), JSON
        if refusal.worded is not None and code == refusal.code:
            body, kind = refusal.worded.body, refusal.worded.content_type.encode()
        return TEXTS[code].status, body, [(b"content-type", kind), *extra.items()]

    def _log(self, refusal: Refusal, scope: Scope, request_id: str) -> None:
        # While we cannot keep up, a line for each would cost more than the refusal.
        unlogged = self._lines.take(refusal.cause) if refusal.code == "unavailable" else 0
        if unlogged is not None:
            token = scope["raw_path"][len(PREFIX) :].split(b"/")[0].decode("latin-1")
            log.warning(
                "delivery_rejected",
                cause=refusal.cause,
                token=mask(token),
                request_id=request_id,
                unlogged=unlogged,
            )


def _reply(taken: Taken) -> Reply:
    answer = taken.answer or taken.provider.answer
    if answer is not None:
        more = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        return answer.status, answer.body, [(b"content-type", answer.content_type.encode()), *more]
    body = b"{}" if taken.delivery is None else b'{"delivery": "%s"}' % str(taken.delivery).encode()
    return 200, body, [(b"content-type", JSON)]
