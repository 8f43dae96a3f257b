"""Which source a token stands for: asked of the database at most once in two seconds.

Lookups that wait at the same time go in one statement, so that a flood of wrong tokens costs
the database little and never queues up before a sender who is known.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog

from integrations.contract import API, Provider, Secret, SettingUnusable

from .addresses import Network, heard_networks
from .crypto import Vault, VaultError, token_digest
from .limits import Limits
from .link import UNAVAILABLE, Link
from .patience import patience_of_all
from .skew import Skew

log = structlog.get_logger()

_RESOLVE = (
    "SELECT given, now(), r.source_id, r.account_id, r.provider, r.state, r.public_url,"
    " r.settings, r.secret_kinds, r.secret_values, r.secret_from, r.secret_until"
    " FROM unnest(%b::bytea[]) AS given, resolve_endpoint(given) AS r"
)

#: Kind and encrypted value of a secret, and when it ends.
Stored = tuple[str, bytes, datetime | None]


class LookupUnavailable(Exception):
    """The database did not say whose token it is."""


@dataclass(frozen=True, slots=True)
class Route:
    """A source as the receiver knows it. ``unreadable``: a secret is there, its key is not.

    ``allowed`` are the networks that it hears, None where it hears all. ``lasting`` are the
    secrets that no rotation is about to end; all are in the order they were given.
    """

    source_id: int
    account_id: int
    slug: str
    provider: Provider | None
    state: str
    public_url: str
    secrets: tuple[Secret, ...]
    lasting: tuple[Secret, ...]
    hidden: frozenset[str]
    allowed: tuple[Network, ...] | None
    settings: Mapping[str, Any]
    unreadable: bool

    @property
    def issuing(self) -> tuple[Secret, ...]:
        """The secrets, first the one to issue proof with: the newest of those that last."""
        ending = (one for one in self.secrets if one not in self.lasting)
        return (*reversed(self.lasting), *ending)


class Sources:
    """The cache in front of ``resolve_endpoint()``; unknown tokens are remembered as well."""

    def __init__(
        self, url: str, limits: Limits, vault: Vault, *, providers: Mapping[str, Provider]
    ) -> None:
        self._link = Link(url, limits)
        self._limits = limits
        self._providers = providers
        self._patience = patience_of_all(providers.values(), limits)
        self._skew = Skew()
        self._decrypt = lru_cache(maxsize=limits.source_cache_rows)(vault.decrypt)
        self._known: dict[str, tuple[float, Route | None]] = {}
        self._asked: dict[str, asyncio.Future[Route | None]] = {}
        self._task: asyncio.Task[None] | None = None

    def cached(self, token: str) -> tuple[float, Route | None] | None:
        """Return ``(until, route)`` where the answer is still fresh."""
        found = self._known.get(token)
        left = found[0] - time.monotonic() if found else 0.0
        if left <= 0:
            return None
        if left < self._limits.source_cache_seconds / 2:
            self._asking(token)  # ahead of time, so that nobody has to wait for it
        return found

    async def find(self, token: str) -> Route | None:
        """Return the source of a token, None for an unknown one. Raises LookupUnavailable."""
        if len(self._asked) >= self._limits.lookup_rows and token not in self._asked:
            raise LookupUnavailable("too many lookups wait")
        future = self._asking(token)
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(future)
        except TimeoutError as error:
            raise LookupUnavailable("the database is silent") from error

    def _asking(self, token: str) -> asyncio.Future[Route | None]:
        """Return the answer to come, asking for it unless somebody did."""
        future = self._asked.get(token)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._asked[token] = future
        if self._task is None:
            self._task = asyncio.create_task(self._ask())
        return future

    async def close(self) -> None:
        """End the running lookup and close the connection."""
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._link.close()

    async def _ask(self) -> None:
        """Look everybody up who waits, in one statement after the other, until nobody does."""
        try:
            while self._asked:
                asked = dict(self._asked)
                await self._answer(asked)
                for token in asked:
                    del self._asked[token]
        finally:
            self._task = None

    async def _answer(self, asked: Mapping[str, asyncio.Future[Route | None]]) -> None:
        by_digest = {token_digest(token): token for token in asked}
        try:
            rows = await self._fetch(list(by_digest))
            found = {by_digest[bytes(row[0])]: self._route(row) for row in rows}
        except Exception as error:
            log.warning("lookup_failed", error=type(error).__name__)
            for future in asked.values():
                if not future.done():
                    future.set_exception(LookupUnavailable(type(error).__name__))
                    future.exception()  # its requests may be gone
            return
        until = time.monotonic() + self._limits.source_cache_seconds
        for token, future in asked.items():
            self._remember(token, until, found.get(token))
            if not future.done():
                future.set_result(found.get(token))

    async def _fetch(self, digests: list[bytes]) -> list[tuple[Any, ...]]:
        had_connection = self._link.is_open
        try:
            return await asyncio.to_thread(self._link.fetch, _RESOLVE, [digests])
        except UNAVAILABLE:
            # A connection that died while idle says nothing about the server now.
            if not had_connection:
                raise
            return await asyncio.to_thread(self._link.fetch, _RESOLVE, [digests])

    def _remember(self, token: str, until: float, route: Route | None) -> None:
        self._known.pop(token, None)
        while len(self._known) >= self._limits.source_cache_rows:
            del self._known[next(iter(self._known))]
        self._known[token] = (until, route)

    def _route(self, row: Sequence[Any]) -> Route:
        _, now, source_id, account_id, slug, state, public_url, settings, *columns = row
        self._skew.note(now)
        provider = self._configured(source_id, slug, settings)
        valid = _started(now, *(column or () for column in columns))
        secrets = self._open(source_id, valid)
        return Route(
            source_id,
            account_id,
            slug,
            provider,
            state,
            public_url,
            tuple(secret for secret, _ in secrets),
            tuple(secret for secret, until in secrets if until is None),
            provider.scheme.secret_headers if provider else frozenset[str](),
            allowed=heard_networks(settings.get("allow_ips")),
            settings=settings,
            unreadable=any(kind != API for kind, *_ in valid) and not secrets,
        )

    def _configured(
        self, source_id: int, slug: str, settings: Mapping[str, Any]
    ) -> Provider | None:
        """Return the provider as a source's settings make it; None where they no longer can."""
        provider = self._providers.get(slug)
        try:
            return provider and provider.of(settings)
        except SettingUnusable as error:
            log.error("settings_unusable", source_id=source_id, place=error.place)
            return None

    def _open(
        self, source_id: int, valid: Sequence[Stored]
    ) -> list[tuple[Secret, datetime | None]]:
        secrets = []
        for kind, blob, until in valid:
            if kind == API:
                continue  # it opens the provider's doors, never ours
            try:
                secrets.append((Secret(self._decrypt(bytes(blob)), kind), until))
            except VaultError:
                log.error("secret_unreadable", source_id=source_id, kind=kind)
        return secrets


def _started(
    now: datetime,
    kinds: Sequence[str],
    values: Sequence[bytes],
    *columns: Sequence[datetime | None],
) -> list[Stored]:
    """Leave out secrets that are not valid yet, by the database's clock."""
    rows = zip(kinds, values, *columns, strict=True)
    return [(kind, value, until) for kind, value, start, until in rows if start and start <= now]
