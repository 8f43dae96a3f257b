"""Near-misses: what would have made a rejected delivery genuine. Pure: no database, no clock.

Each kind of mistake is a line of a table that makes variants of the case; the first kind with a
variant that its scheme accepts is the finding.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from integrations.contract import (
    Delivery,
    PayloadUnrecognised,
    Scheme,
    Secret,
    SignatureInvalid,
    SignatureMissing,
    SignatureStale,
)
from integrations.schemes.macs import ENCODINGS
from integrations.strict import parse_json

_PREFIXES = ("", "sha256=", "sha1=", "v1,", "v1=")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){20,64}")


@dataclass(frozen=True, slots=True)
class Named:
    """Secrets, and what a person calls them: ``source 7``."""

    name: str
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A rejected delivery with all that may have been meant instead. ``at`` is its receipt."""

    scheme: Scheme
    delivery: Delivery
    secrets: tuple[Secret, ...]
    at: float
    ended: tuple[Secret, ...] = ()
    others: tuple[Named, ...] = ()
    #: Hosts and whole addresses that the sender may have been told to send to.
    hosts: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Miss:
    """What was wrong: the kind, and what its sentence names."""

    kind: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing changed in a case."""

    facts: Mapping[str, Any]
    delivery: Delivery
    secrets: tuple[Secret, ...]


def diagnose(case: Case) -> Miss:
    """Return what was wrong with a delivery; ``unknown`` where no near-miss fits."""
    try:
        case.scheme.verify(case.delivery, case.secrets, case.at)
    except SignatureStale as error:
        return Miss("clock", {"minutes": round(abs(error.age) / 60)})
    except SignatureMissing:
        absent = case.scheme.headers - case.delivery.headers.keys()
        return Miss("header", {"names": ", ".join(sorted(absent or case.scheme.headers))})
    except SignatureInvalid:
        return _nearest(case)
    return Miss("repaired", {})


def _nearest(case: Case) -> Miss:
    for kind, variants in KINDS.items():
        for variant in variants(case):
            if _proves(case, variant):
                return Miss(kind, variant.facts)
    return Miss("unknown", {})


def _proves(case: Case, variant: Variant) -> bool:
    try:
        case.scheme.verify(variant.delivery, variant.secrets, case.at)
    except SignatureStale:
        return True  # two things are wrong: the one found comes first
    except SignatureInvalid:
        return False
    return True


def _of_urls(case: Case, urls: Iterable[tuple[str, str]]) -> Iterator[Variant]:
    """Make variants of the address that was signed, where the scheme signs it at all."""
    if case.scheme.covers.isdisjoint(("url", "target")):
        return
    for url, told in urls:
        if url != case.delivery.url:
            facts = {"theirs": told, "ours": case.delivery.url}
            yield Variant(facts, replace(case.delivery, url=url), case.secrets)


def _other_protocol(case: Case) -> Iterator[Variant]:
    word, _, rest = case.delivery.url.partition("://")
    other = "http" if word == "https" else "https"
    return _of_urls(case, [(f"{other}://{rest}", f"{other}://")])


def _other_slash(case: Case) -> Iterator[Variant]:
    path, mark, query = case.delivery.url.partition("?")
    changed = path[:-1] if path.endswith("/") else path + "/"
    return _of_urls(case, [(changed + mark + query, changed)])


def _without_query(case: Case) -> Iterator[Variant]:
    bare = case.delivery.url.partition("?")[0]
    return _of_urls(case, [(bare, bare)])


def _other_host(case: Case) -> Iterator[Variant]:
    parts = urlsplit(case.delivery.url)
    hosts = [host for host in case.hosts if host != parts.netloc]
    words = ("https", "http")
    changed = [parts._replace(scheme=word, netloc=host) for host in hosts for word in words]
    return _of_urls(case, [(one.geturl(), f"{one.scheme}://{one.netloc}") for one in changed])


def _other_address(case: Case) -> Iterator[Variant]:
    return _of_urls(case, [(url, url) for url in case.urls])


def _ended(case: Case) -> Iterator[Variant]:
    return (Variant({}, case.delivery, (secret,)) for secret in case.ended)


def _of_another(case: Case) -> Iterator[Variant]:
    return (Variant({"name": one.name}, case.delivery, one.secrets) for one in case.others)


def _spelled(*changes: Callable[[str], str]) -> Callable[[Case], Iterator[Variant]]:
    """Return a maker of variants whose secret is spelled in another way."""

    def variants(case: Case) -> Iterator[Variant]:
        for secret in case.secrets:
            for change in changes:
                value = change(secret.value)
                if value != secret.value:
                    yield Variant({}, case.delivery, (replace(secret, value=value),))

    return variants


def _as_text(value: str) -> str:
    """Return the secret whose key is this text itself, for schemes that decode what they get."""
    return "whsec_" + base64.b64encode(value.encode()).decode()


def _other_encodings(case: Case) -> Iterator[Variant]:
    """Make variants of each proof in the other encoding, and with every prefix there is."""
    prefixes = {**dict.fromkeys(_PREFIXES), getattr(case.scheme, "prefix", ""): None}
    for name in case.scheme.headers:
        given = case.delivery.headers.get(name, "").strip()
        for raw, was in _raw(given, prefixes):
            for prefix in prefixes:
                for encoding, spell in ENCODINGS.items():
                    headers = {**case.delivery.headers, name: prefix + spell(raw)}
                    facts = {"header": name, "theirs": was, "ours": f"{prefix}<{encoding}>"}
                    changed = replace(case.delivery, headers=headers)
                    yield Variant(facts, changed, case.secrets)


def _raw(given: str, prefixes: Iterable[str]) -> Iterator[tuple[bytes, str]]:
    """Go over the digests that a header may be, with how they are written."""
    for prefix in prefixes:
        text = given.removeprefix(prefix)
        if not given.startswith(prefix):
            continue
        if _HEX.fullmatch(text):
            yield bytes.fromhex(text), f"{prefix}<hex>"
        # A digest of 32 bytes tells them apart: only one of the two is written with its padding.
        padded = text + "=" * (-len(text) % 4)
        for encoding, whole, others in (("base64", text, None), ("base64url", padded, b"-_")):
            try:
                yield base64.b64decode(whole, others, validate=True), f"{prefix}<{encoding}>"
                break
            except (binascii.Error, ValueError):
                continue


def _rewritten(case: Case) -> Iterator[Variant]:
    """Make the bodies that a proxy or a library may have read and written anew."""
    for body in _bodies(case.delivery.body):
        if body != case.delivery.body:
            yield Variant({}, replace(case.delivery, body=body), case.secrets)


def _bodies(body: bytes) -> Iterator[bytes]:
    yield body.strip()
    yield body + b"\n"
    yield body.replace(b"\r\n", b"\n")
    yield body.replace(b"\n", b"\r\n")
    try:
        parse_json(body)  # its bounds hold for what is parsed loosely below
        found = json.loads(body)
    except (PayloadUnrecognised, ValueError):
        return
    for escaped in (False, True):
        for separators in ((",", ":"), (", ", ": ")):
            yield json.dumps(found, ensure_ascii=escaped, separators=separators).encode()
        for indent in (2, 4):
            text = json.dumps(found, ensure_ascii=escaped, indent=indent)
            yield text.encode()
            yield text.encode() + b"\n"
        # PHP writes "/" as "\/".
        compact = json.dumps(found, ensure_ascii=escaped, separators=(",", ":"))
        yield compact.replace("/", "\\/").encode()


#: Kind of mistake → its variants, the likeliest first.
KINDS: Mapping[str, Callable[[Case], Iterator[Variant]]] = {
    "protocol": _other_protocol,
    "slash": _other_slash,
    "query": _without_query,
    "host": _other_host,
    "address": _other_address,
    "ended": _ended,
    "other": _of_another,
    "space": _spelled(str.strip, lambda value: value + "\n", lambda value: f" {value}"),
    "prefix": _spelled(
        lambda value: value.removeprefix("whsec_"),
        lambda value: "whsec_" + value,
        _as_text,
        lambda value: _as_text(value.removeprefix("whsec_")),
    ),
    "encoding": _other_encodings,
    "rewritten": _rewritten,
}
