"""The proof of a description: which scheme a source has. There is no scheme without its word."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from integrations.contract import Delivery, Scheme, Secret, SignatureInvalid
from integrations.schemes import Address, Basic, Bearer, Clock, HmacHeader, StaticHeader
from integrations.schemes.base import Plain

from .given import Given

_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
#: Ours, what the connection makes, and what no server hands on as it was sent.
_NOT_PROOF = frozenset(
    "host connection content-length transfer-encoding cookie x-gjango-merchant".split()
)
_DIGESTS = ("sha1", "sha256", "sha384", "sha512")
_ENCODINGS = ("hex", "base64", "base64url")
_PARTS = ("body", "url", "target", "method")
_UNITS: Mapping[str, int] = {"seconds": 1, "milliseconds": 1000}
_TOLERANCES = (1, 86_400)
_MOST_PARTS = 16
_LONGEST_PART = 100


def _header(given: Given) -> str:
    name = given.text().lower()
    if not _HEADER.fullmatch(name) or name in _NOT_PROOF:
        raise given.refuse(
            "нужно имя заголовка HTTP, не служебного",
            "expected the name of an HTTP header that is not the connection's own",
        )
    return name


def _part(given: Given) -> str:
    part = given.value if isinstance(given.value, str) else ""
    kind, colon, name = part.partition(":")
    if part in _PARTS or (kind in ("text", "field") and 0 < len(name) <= _LONGEST_PART):
        return part
    if kind == "header" and colon:
        return f"header:{_header(Given(name, given.place))}"
    raise given.refuse(
        f"нужно {', '.join(_PARTS)}, header:имя, field:имя или text:текст",
        f"expected {', '.join(_PARTS)}, header:name, field:name or text:text",
    )


def _clock(given: Given) -> Clock:
    members = given.members(("header", "unit", "tolerance"))
    given.required(members, "header", "unit", "tolerance")
    return Clock(
        _header(members["header"]),
        _UNITS[members["unit"].one_of(_UNITS)],
        members["tolerance"].whole(*_TOLERANCES),
    )


def _hmac(given: Given) -> Scheme:
    members = given.members(
        ("scheme", "header", "algorithm", "encoding", "prefix", "suffix", "signed", "time")
    )
    given.required(members, "header", "algorithm", "encoding", "signed")
    header, parts = _header(members["header"]), tuple(map(_part, members["signed"].items()))
    clock = _clock(members["time"]) if "time" in members else None
    if len(parts) > _MOST_PARTS or f"header:{header}" in parts or "body" not in parts:
        raise members["signed"].refuse(
            f"до {_MOST_PARTS} частей, среди них body, без заголовка самой подписи",
            f"at most {_MOST_PARTS} parts, body among them, without the signature's own header",
        )
    if clock is not None and f"header:{clock.header}" not in parts:
        raise (
            members["time"]
            .child("header", None)
            .refuse(
                "неподписанное время ничего не доказывает: добавьте header:… в signed",
                "a time that is not signed proves nothing: add header:… to signed",
            )
        )
    return HmacHeader(
        header,
        members["algorithm"].one_of(_DIGESTS),
        members["encoding"].one_of(_ENCODINGS),
        prefix=_affix(members.get("prefix")),
        suffix=_affix(members.get("suffix")),
        parts=parts,
        clock=clock,
    )


def _affix(given: Given | None) -> str:
    if given is None:
        return ""
    if not given.text(40).isascii():
        raise given.refuse("нужны знаки ASCII", "expected ASCII characters")
    return given.text(40)


def _static(given: Given) -> Scheme:
    members = given.members(("scheme", "header", "word"))
    given.required(members, "header")
    word = _affix(members.get("word"))
    if " " in word:
        raise members["word"].refuse("нужно одно слово", "expected one word")
    return StaticHeader(_header(members["header"]), word)


def _bare(scheme: Scheme) -> Callable[[Given], Scheme]:
    def read(given: Given) -> Scheme:
        given.members(("scheme",))
        return scheme

    return read


#: Word → how the rest of the proof is read.
_SCHEMES: Mapping[str, Callable[[Given], Scheme]] = {
    "hmac": _hmac,
    "bearer": _bare(Bearer()),
    "basic": _bare(Basic()),
    "header": _static,
    "address": _bare(Address()),
}


@dataclass(frozen=True, slots=True)
class Undescribed(Plain):
    """The proof of a till that nobody has described yet: there is none, and nobody is heard."""

    @property
    def words(self) -> str:
        return (
            "по описанию: HMAC в заголовке, Bearer, Basic, секрет в заголовке или один адрес / as"
            " described: an HMAC in a header, Bearer, Basic, a secret in a header, or the address"
            " alone"
        )

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid always."""
        raise SignatureInvalid("nothing is described")


#: Those that prove the sender alone, or nobody: their sources are marked as unsigned.
UNSIGNED = (StaticHeader, Address)


def read_proof(given: Given) -> Scheme:
    """Return the scheme that a description names. Raises SettingUnusable."""
    members = given.members()
    given.required(members, "scheme")
    return _SCHEMES[members["scheme"].one_of(_SCHEMES)](given)
