"""Byte-exact recordings of deliveries: ``integrations/<slug>/samples/<event>__<variant>.http``.

A request line, headers and an empty line, all ending in CRLF, then the raw body. The target of the
request line is what follows the address of the source; ``/`` is nothing. Signatures inside are
placeholders: ``signed`` makes true ones.

Settings that a source of the provider needs are ``samples/<setting>.json``.

What a provider answers us is recorded as ``answers/<kind>.<outcome>__<variant>.json``: the envelope
of ``answers.py`` with the provider's own texts inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .contract import (
    Answer,
    Answered,
    Called,
    Delivery,
    ProofInBody,
    ProofInQuery,
    Provider,
    Scheme,
    Secret,
)

_HERE = Path(__file__).parent
TEST_URL = "https://hooks.example/hooks/0123456789abcdefghijklmnopqrstuvwxyz"
#: Fits every scheme: as text, as a bearer, and as base64 after ``whsec_``.
TEST_SECRET = Secret("whsec_dGVzdC1zZWNyZXQtb2YtdGhlLXNhbXBsZXMtMDAwMQ==")


#: When every recorded answer was asked for: 2026-09-14T17:59:58Z, in microseconds.
SENT = 1_789_408_798_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded request; ``headers`` with lower-case names, ``path`` after the address."""

    name: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def load(slug: str) -> dict[str, Sample]:
    """Return the samples of a provider by name, sorted."""
    files = sorted((_HERE / slug / "samples").glob("*.http"))
    return {file.stem: parse(file.stem, file.read_bytes()) for file in files}


def settings(slug: str) -> dict[str, str]:
    """Return the settings that the samples of a provider are read with; most need none."""
    files = sorted((_HERE / slug / "samples").glob("*.json"))
    return {file.stem: file.read_text() for file in files}


def configured(provider: Provider) -> Provider:
    """Return the provider as it is for a source with the settings of its samples."""
    return provider.of(settings(provider.slug))


def load_answers(slug: str) -> dict[str, bytes]:
    """Return the recorded answers of a provider's API by name, sorted."""
    files = sorted((_HERE / slug / "answers").glob("*.json"))
    return {file.stem: file.read_bytes() for file in files}


def answered(body: bytes, *, over: int | None = None) -> Delivery:
    """Return a recorded answer as it is staged: asked at ``SENT``, dated the same."""
    return Delivery("GET", "", "", {}, body, TEST_URL, Answered(SENT, SENT, over))


def parse(name: str, recording: bytes) -> Sample:
    """Read one recording."""
    head, _, body = recording.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        key, value = key.strip().lower(), value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Sample(name, method, "" if path == "/" else path, query, headers, body)


def expected(
    provider: Provider, delivery: Delivery, secret: Secret, settings: Mapping[str, Any]
) -> Answer | None:
    """Return the provider's own answer to a proven delivery, None where ours is the answer."""
    said = provider.respond and provider.respond(Called(delivery, [secret], settings))
    return said or provider.answer


def bare(sample: Sample, url: str = TEST_URL) -> Delivery:
    """Return the delivery as it was recorded, whose proof is a placeholder."""
    return Delivery(
        sample.method, sample.path, sample.query, dict(sample.headers), sample.body, url
    )


def is_unsigned_question(provider: Provider, sample: Sample) -> bool:
    """Say whether it asks if we are here, with a signature by a key that nobody has."""
    asks = provider.handshake
    return provider.handshake_signed and asks is not None and asks(bare(sample))


def signed(
    sample: Sample,
    provider: Provider,
    *,
    secret: Secret = TEST_SECRET,
    url: str = TEST_URL,
    now: float = 0,
) -> Delivery:
    """Return the delivery that the provider would send with this secret at this time; a question
    that nobody can sign as it was recorded."""
    recorded = bare(sample, url)
    if is_unsigned_question(provider, sample):
        return recorded
    scheme = provider.scheme
    proof, proven = scheme.sign(recorded, secret, now), sealed(recorded, scheme, secret)
    covered = {key for key in sample.headers if f"header:{key}" in scheme.covers}
    stale = (scheme.headers | scheme.secret_headers) - covered
    kept = {key: value for key, value in sample.headers.items() if key not in stale}
    return replace(proven, headers={**kept, **proof})


def sealed(delivery: Delivery, scheme: Scheme, secret: Secret) -> Delivery:
    """Return a delivery with the proof that stands in its body or its query, where there is one."""
    body = scheme.sealed(delivery, secret) if isinstance(scheme, ProofInBody) else delivery.body
    query = delivery.query
    if isinstance(scheme, ProofInQuery):
        query = scheme.sealed_query(delivery, secret)
    return replace(delivery, body=body, query=query)
