"""One request to a provider's API: over TLS, to its own host, bounded in time and size.

The request is made of a Call and a host; nothing of it comes from an address in a body. Redirects
are not followed, proxies and credentials of the environment are not used.
"""

import logging
import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from integrations.asking import Call

from . import addresses
from .failures import Cause, Failed

# Its lines of the level DEBUG hold whole addresses, and an address may hold a secret.
logging.getLogger("urllib3").setLevel(logging.INFO)

_HOST = re.compile(r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+")
_METHODS = frozenset({"GET", "POST"})
_CHUNK = 65_536
#: Headers that are ours to set.
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one request may take: seconds and bytes (as sent and unpacked)."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 30.0
    answer_bytes: int = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Raw:
    """What came back: status, headers with lower-case names, and the unpacked body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests. ``local`` sends those for a host to an address of this machine instead: only
    tests make such a client, and ``lines`` for the demonstration of ``make run``."""

    bounds: Bounds = Bounds()
    local: Mapping[str, str] = field(default_factory=dict)

    def send(self, host: str, call: Call) -> Raw:
        """Return the answer to one request, whatever its status. Raises Failed."""
        url, headers = _url(host, call), _headers(call)
        adapter: _Adapter = _Pinned()
        if host in self.local:
            url = self.local[host] + url.removeprefix(f"https://{host}")
            adapter = _Local()
        with requests.Session() as session:
            session.trust_env = False
            session.adapters.clear()
            session.mount(url.partition("//")[0] + "//", adapter)
            return self._send(session, url, call, headers)

    def _send(
        self, session: requests.Session, url: str, call: Call, headers: Mapping[str, str]
    ) -> Raw:
        watch = _Watch(self.bounds.total)
        try:
            with watch, session.request(
                call.method,
                url,
                params=list(call.query),
                data=call.body or None,
                headers=dict(headers),
                timeout=(self.bounds.connect, self.bounds.read),
                allow_redirects=False,
                stream=True,
            ) as answer:  # fmt: skip
                body = self._body(answer)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise _failed(error, late=watch.fired) from error
        if watch.fired:
            raise _failed(TimeoutError(), late=True)
        return Raw(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)

    def _body(self, answer: requests.Response) -> bytes:
        """Read the body up to its bound, unpacked."""
        body = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            body += chunk
            if len(body) > self.bounds.answer_bytes:
                most = self.bounds.answer_bytes
                raise Failed(
                    Cause.FAILED,
                    f"ответ длиннее {most} байт / the answer is longer than {most} bytes",
                )
        return bytes(body)


def _url(host: str, call: Call) -> str:
    """Return where a call goes. Raises Failed for what could lead elsewhere."""
    if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
        raise Failed(
            Cause.SETTING, f"«{host[:100]}» — не имя узла / {host[:100]!r} is no name of a host"
        )
    segments = call.path.replace("%2e", ".").replace("%2E", ".").split("/")
    if call.method not in _METHODS or not _PATH.fullmatch(call.path) or {".", ".."} & {*segments}:
        raise Failed(Cause.FAILED, "запрос построен неверно / the request is not well formed")
    return f"https://{host}{call.path}"


def _headers(call: Call) -> dict[str, str]:
    given = {name: value for name, value in call.headers.items() if name.lower() not in _OURS}
    return {"User-Agent": "backend_gjango", "Accept": "application/json", **given} | {
        "Accept-Encoding": "gzip"
    }


def _failed(error: Exception, *, late: bool) -> Failed:
    """Say what went wrong, without a word of the request: its address may hold a secret."""
    if late or isinstance(error, requests.Timeout | TimeoutError):
        return Failed(Cause.FAILED, "нет ответа вовремя / no answer in time")
    one: BaseException | None = error
    while one is not None:
        if isinstance(one, addresses.AddressRefused):
            return Failed(Cause.SETTING, f"внутренний адрес / an address of the inside ({one})")
        one = one.__cause__ or one.__context__
    return Failed(Cause.FAILED, f"не удалось спросить / could not be asked: {type(error).__name__}")


class _Watch:
    """Shuts the sockets of the running thread's request once its time is over: each single wait is
    bounded, but a server that sends a byte a second would never run into that."""

    current = threading.local()

    def __init__(self, seconds: float) -> None:
        self.fired = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._fire)
        self._timer.daemon = True

    def __enter__(self) -> "_Watch":
        self.current.watch = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for one in self._sockets:
            one.close()

    def hold(self, one: socket.socket) -> None:
        # A copy: TLS takes the socket itself over.
        self._sockets.append(one.dup())

    def _fire(self) -> None:
        self.fired = True
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _PinnedConnection(HTTPSConnection):
    """Connects to a checked address; the name stays the one that the certificate must have."""

    def _new_conn(self) -> socket.socket:
        found = addresses.resolve(self.host, self.port or 443)
        seconds = self.timeout if isinstance(self.timeout, int | float) else Bounds().connect
        one = addresses.connect(found, self.port or 443, float(seconds))
        _Watch.current.watch.hold(one)
        return one


class _PinnedPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedConnection


class _LocalConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        one = super()._new_conn()
        _Watch.current.watch.hold(one)
        return one


class _LocalPool(HTTPConnectionPool):
    ConnectionCls = _LocalConnection


class _Adapter(HTTPAdapter):
    """Speaks one scheme over one kind of pool."""

    pools: Mapping[str, Any]

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(self.pools)


class _Pinned(_Adapter):
    pools = MappingProxyType({"https": _PinnedPool})


class _Local(_Adapter):
    pools = MappingProxyType({"http": _LocalPool})
