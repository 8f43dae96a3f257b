"""Sending a recorded sample as its provider would: signed anew, over real HTTP."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from accounts.models import Source
from ingest import endpoints
from integrations.contract import Delivery, ProofInBody, Provider, Secret
from integrations.registry import get
from integrations.samples import Sample, expected, sealed, signed

from .source_secrets import needs_secret
from .sources import path_of, url_of

#: Of the connection, not of the message: the client writes its own.
_OF_THE_CONNECTION = frozenset({"host", "content-length", "connection", "transfer-encoding"})
_TIMEOUT = 10.0
_SHOWN = 500


class CannotSend(Exception):
    """A sample cannot be sent; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to write to: ``url`` is what the source signs, ``address`` where the server listens."""

    provider: Provider
    url: str
    address: str
    secret: Secret
    settings: Mapping[str, Any]

    @property
    def fixed(self) -> bool:
        """Say whether the signed URL is configured, so that what follows the token is no part."""
        return urlsplit(self.url).path != urlsplit(self.address).path


@dataclass(frozen=True, slots=True)
class Sent:
    """What was answered; ``milliseconds`` until the answer was read."""

    sample: str
    status: int
    answer: str
    milliseconds: int
    #: What the provider's own rules say, where they do.
    expected: int = 200


def target_of(source: Source, *, secret: Secret | None = None, to: str | None = None) -> Target:
    """Return where and how to send to a source; ``to`` is a base address to use instead.

    Raises CannotSend where the source has no address or no secret that can sign.
    """
    path, url = path_of(source), url_of(source)
    if path is None or url is None:
        raise CannotSend(
            f"У источника {source.pk} нет адреса: manage.py source rotate {source.pk} --url / "
            f"Source {source.pk} has no address: manage.py source rotate {source.pk} --url"
        )
    base = to.rstrip("/") if to else None
    return Target(
        get(source.provider).of(source.settings),
        url,
        base + path if base else url,
        secret or _own(source),
        source.settings,
    )


def _own(source: Source) -> Secret:
    for secret in endpoints.secrets_of(source):
        if secret.kind != "public_key":
            return secret
    if not needs_secret(get(source.provider).of(source.settings)):
        return Secret("")  # the address proves the sender
    raise CannotSend(
        f"--secret: у источника {source.pk} нет секрета для подписи / "
        f"--secret: source {source.pk} has no secret to sign with"
    )


def send(client: httpx.Client, target: Target, sample: Sample, *, tamper: bool = False) -> Sent:
    """Send a sample, signed now; ``tamper`` spoils it after signing. Raises CannotSend."""
    rest = sample.path + (f"?{sample.query}" if sample.query else "")
    url = target.url if target.fixed else target.url + rest
    delivery = signed(sample, target.provider, secret=target.secret, url=url, now=time.time())
    if tamper:
        delivery = spoiled(delivery, target.provider)
    query = f"?{delivery.query}" if delivery.query else ""
    started = time.monotonic()
    try:
        answer = client.request(
            delivery.method,
            target.address + sample.path + query,
            content=delivery.body,
            headers=_headers(delivery.headers),
            timeout=_TIMEOUT,
        )
    except httpx.HTTPError as error:
        where = urlsplit(target.address).netloc
        raise CannotSend(
            f"Сервер {where} не отвечает: запустите `make run` или укажите --to / "
            f"{where} does not answer: run `make run`, or give --to ({type(error).__name__})"
        ) from error
    took = round((time.monotonic() - started) * 1000)
    said = expected(target.provider, delivery, target.secret, target.settings)
    shown = answer.text[:_SHOWN]
    return Sent(sample.name, answer.status_code, shown, took, said.status if said else 200)


def spoiled(delivery: Delivery, provider: Provider) -> Delivery:
    """Change what the proof covers: the body, or the token itself where nothing is signed.

    Raises CannotSend where there is no proof to spoil.
    """
    scheme = provider.scheme
    token = next(iter(scheme.secret_headers & delivery.headers.keys()), None)
    if "body" in scheme.covers and token is None:
        return replace(delivery, body=delivery.body + b" ")
    if isinstance(scheme, ProofInBody):
        return sealed(delivery, scheme, Secret("spoiled"))
    if token is None:
        raise CannotSend(
            f"--tamper: {provider.title} ничего не подписывает, портить нечего / "
            f"--tamper: {provider.title} signs nothing, there is nothing to spoil"
        )
    broken = {token: delivery.headers[token] + "0"}
    return replace(delivery, headers={**delivery.headers, **broken})


def _headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    # Bytes, because a recorded header may hold any of them.
    return [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
        if name not in _OF_THE_CONNECTION
    ]
