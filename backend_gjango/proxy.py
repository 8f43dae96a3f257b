"""One port for local use: whatever is not a hook goes to the Django server's socket."""

import json
from collections.abc import AsyncIterator, Iterable
from uuid import uuid4

import httpx
import structlog

from ingest.addresses import TrustedProxies
from ingest.body import Receive
from ingest.intake import Scope
from ingest.receiver import Send

log = structlog.get_logger()

Pairs = list[tuple[bytes, bytes]]

#: They belong to one connection, not to the message (RFC 9110, 7.6.1).
_HOP = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)
_FORWARDED = frozenset(
    b"forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip".split()
)
#: A page of the API may take long; a dead server is noticed at once by its socket.
_TIMEOUT = httpx.Timeout(60.0, connect=2.0)


class Proxy:
    """Streams requests to a Unix socket and answers back; the client's Host is kept."""

    def __init__(self, socket_path: str, trusted: TrustedProxies) -> None:
        self._transport = httpx.AsyncHTTPTransport(uds=socket_path)
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on; 503 where the Django server is away."""
        request = httpx.Request(
            scope["method"],
            httpx.URL(scheme="http", host="django", raw_path=_target(scope)),
            headers=self._headers(scope),
            content=_body(receive) if _has_body(scope["headers"]) else None,
            extensions={"timeout": _TIMEOUT.as_dict()},
        )
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.TransportError as error:
            log.warning("proxy_failed", error=type(error).__name__)
            await _away(send)
            return
        try:
            await _pass_back(response, send)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close the connections to the Django server."""
        await self._transport.aclose()

    def _headers(self, scope: Scope) -> Pairs:
        peer = (scope.get("client") or ("",))[0]
        given = [(name.lower(), value) for name, value in scope["headers"]]
        kept = [(name, value) for name, value in given if name not in _HOP | _FORWARDED]
        forwarded = dict(given) if self._trusted.trusts(peer) else {}
        before = forwarded.get(b"x-forwarded-for", b"")
        host = dict(given).get(b"host", b"")
        return [
            *kept,
            (b"x-forwarded-for", (before + b", " if before else b"") + peer.encode()),
            (b"x-forwarded-host", forwarded.get(b"x-forwarded-host", host)),
            (b"x-forwarded-proto", forwarded.get(b"x-forwarded-proto", scope["scheme"].encode())),
        ]


def _target(scope: Scope) -> bytes:
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise httpx.WriteError("the client went away")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _pass_back(response: httpx.Response, send: Send) -> None:
    headers = [pair for pair in response.headers.raw if pair[0].lower() not in _HOP]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    async for part in response.aiter_raw():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _away(send: Send) -> None:
    await answer(
        send,
        503,
        code="unavailable",
        detail="API сейчас не отвечает. / The API does not answer now.",
        hint="Повторите через несколько секунд. / Try again in a few seconds.",
        headers=[(b"retry-after", b"2")],
    )


async def answer(
    send: Send, status: int, *, code: str, detail: str, hint: str, headers: Pairs
) -> None:
    """Send one JSON error of the contract."""
    request_id = uuid4().hex
    whole = {"code": code, "detail": detail, "hint": hint, "request_id": request_id}
    body = json.dumps(whole, ensure_ascii=False).encode()
    pairs = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
