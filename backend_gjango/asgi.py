"""The receiver's process: ``/hooks/`` is taken here, all else is proxied where that is asked for.

Served by granian, without Django: ``granian --interface asgi backend_gjango.asgi:application``.
"""

import os

from ingest.addresses import TrustedProxies
from ingest.body import Receive
from ingest.crypto import VaultError
from ingest.intake import PREFIX, Scope
from ingest.limits import LimitInvalid, from_environment
from ingest.receiver import Application, ReceiverConfig, Send, create_app
from tasks.wakeup import Doorbell

from . import descriptors, env, observability
from .proxy import Proxy, answer
from .start import one_sentence

PROXIES = env.env.list("TRUSTED_PROXIES", default=["127.0.0.1", "::1"])


class Front:
    """Tells hooks from the rest, and ends everything with the lifespan."""

    def __init__(self, receiver: Application, *, doorbell: Doorbell, proxy: Proxy | None) -> None:
        self._receiver = receiver
        self._doorbell = doorbell
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the lifespan."""
        if scope["type"] == "lifespan":
            await self._receiver(scope, receive, send)
            await self._end()
        elif scope["type"] == "http":
            hook = scope["raw_path"].startswith(PREFIX)
            await (self._receiver if hook else self._rest)(scope, receive, send)

    async def _rest(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._proxy is not None:
            await self._proxy(scope, receive, send)
            return
        await answer(
            send,
            404,
            code="not_found",
            detail="Здесь только приём: /hooks/<token>. / Only /hooks/<token> is served here.",
            hint=f"API и страницы: {env.PUBLIC_URL}/ / The API and pages: {env.PUBLIC_URL}/",
            headers=[],
        )

    async def _end(self) -> None:
        self._doorbell.close()
        if self._proxy is not None:
            await self._proxy.close()


def build() -> Front:
    """Put the process together from the environment. Raises SettingMissing, LimitInvalid."""
    limits = from_environment()
    doorbell = Doorbell(
        env.REDIS_URL,
        limit_seconds=limits.wakeup_seconds,
        break_seconds=limits.wakeup_break_seconds,
        waiting=limits.wakeup_rows,
    )

    config = ReceiverConfig(
        database_url=env.DATABASE_DIRECT_URL,
        keys=env.encryption_keys(),
        public_url=env.PUBLIC_URL,
        limits=limits,
        trusted_proxies=PROXIES,
        on_staged=doorbell.ring,
    )
    socket_path = os.environ.get("GJANGO_PROXY", "")
    proxy = Proxy(socket_path, TrustedProxies(PROXIES)) if socket_path else None
    return Front(create_app(config), doorbell=doorbell, proxy=proxy)


observability.configure("receiver")
descriptors.raise_limit()
with one_sentence(LimitInvalid, VaultError, ValueError):
    application = build()
