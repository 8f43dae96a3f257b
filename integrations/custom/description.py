"""The description of a till that nobody has written a provider for: one JSON document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from integrations.contract import PayloadUnrecognised, Scheme, SettingUnusable
from integrations.strict import parse_json

from .fields import ACTIONS, DOCUMENTS, IGNORED, Action, Kind
from .given import Given
from .paths import Path, parse
from .proof import read_proof
from .reads import Each, Value, paths_of, read_each, read_path, read_value
from .values import Manner, read_money, read_time

_LONGEST = 64 * 1024
_BODIES = ("json", "form")
_MOST_TYPES = 200
_TOP = (
    "about",
    "proof",
    "body",
    "cut",
    "records",
    "key",
    "type",
    "types",
    "money",
    "time",
    *DOCUMENTS,
)
_TIMESTAMP = "timestamp"
_CUT = re.compile(r"\$(?:\.[^\W\d]\w*(?:\[\*\])?){1,16}")


@dataclass(frozen=True, slots=True)
class Section:
    """How documents of one kind are made of a record; ``timestamp`` is as of when they are true."""

    each: Each
    timestamp: Value | None


@dataclass(frozen=True, slots=True)
class Description:
    """A description that was read: everything in it is usable."""

    scheme: Scheme
    body: str
    records: Path
    key: Value | None
    type: Value
    #: The till's word for what a record is → what it becomes; nothing for what is no sale.
    types: Mapping[str, tuple[Action, ...]]
    sections: Mapping[str, Section]
    #: Paths from the whole body that fields are read from.
    shared: tuple[Path, ...]
    #: Paths of secrets inside bodies, which are not kept.
    cut: tuple[str, ...] = ()


@lru_cache(maxsize=128)
def read_description(text: str) -> Description:
    """Return what a description says. Raises SettingUnusable, which names the place."""
    if len(text.encode("utf-8", "replace")) > _LONGEST:
        raise SettingUnusable("$", "не больше 64 КБ", "at most 64 KB")
    try:
        given = Given(parse_json(text.encode("utf-8", "replace")))
    except PayloadUnrecognised as error:
        raise SettingUnusable(
            error.path, f"не JSON ({error.reason})", f"not JSON ({error.reason})"
        ) from None
    return _described(given)


def _described(given: Given) -> Description:
    members = given.members(_TOP)
    given.required(members, "proof", "body", "types")
    manner = Manner(
        read_money(members["money"], Manner().money) if "money" in members else Manner().money,
        read_time(members["time"], Manner().time) if "time" in members else Manner().time,
    )
    if "about" in members:
        members["about"].text(1000)
    types = _types(members["types"])
    sections = {
        name: _section(members[name], name, manner) for name in DOCUMENTS if name in members
    }
    for actions in types.values():
        given.required(members, *(action.document for action in actions))
    return Description(
        scheme=read_proof(members["proof"]),
        body=members["body"].one_of(_BODIES),
        records=_records(members.get("records")),
        key=read_value(members["key"], Kind.ID) if "key" in members else None,
        type=_type(given, members, types),
        types=types,
        sections=sections,
        shared=_shared(sections),
        cut=tuple(map(_cut, members["cut"].items())) if "cut" in members else (),
    )


def _records(given: Given | None) -> Path:
    if given is None:
        return parse("$")
    path = read_path(given)
    if path.root != "$":
        raise given.refuse(
            "записи ищутся во всём теле: путь с $",
            "they are sought in the whole body: a path from $",
        )
    return path


def _cut(given: Given) -> str:
    text = given.text()
    if not _CUT.fullmatch(text):
        raise given.refuse(
            "нужен путь вроде $.auth.token или $.all[*].key", "expected a path as $.auth.token"
        )
    return text


def _type(given: Given, members: Mapping[str, Given], types: Mapping[str, object]) -> Value:
    if "type" in members:
        return read_value(members["type"])
    if len(types) != 1:
        given.required(members, "type")
    return Value("type", default=next(iter(types)))


def _types(given: Given) -> Mapping[str, tuple[Action, ...]]:
    members = given.members()
    if not 0 < len(members) <= _MOST_TYPES:
        raise given.refuse(f"от 1 до {_MOST_TYPES} видов", f"1 to {_MOST_TYPES} types")
    return {name: _actions(one) for name, one in members.items()}


def _actions(given: Given) -> tuple[Action, ...]:
    if given.value == IGNORED:
        return ()
    return tuple(
        ACTIONS[one.one_of(ACTIONS if isinstance(given.value, list) else {*ACTIONS, IGNORED})]
        for one in given.one_or_more()
    )


def _section(given: Given, name: str, manner: Manner) -> Section:
    members = given.members()
    each = read_each(given, DOCUMENTS[name], manner, more=(_TIMESTAMP,), default="@")
    if _TIMESTAMP not in members:
        return Section(each, None)
    own = Manner(time=read_time(members["time"], manner.time) if "time" in members else manner.time)
    return Section(each, read_value(members[_TIMESTAMP], Kind.TIME, own))


def _shared(sections: Mapping[str, Section]) -> tuple[Path, ...]:
    found = [
        path
        for one in sections.values()
        for read in (one.each, *((one.timestamp,) if one.timestamp else ()))
        for path in paths_of(read)
        if path.root == "$"
    ]
    return tuple({path.text: path for path in found}.values())
