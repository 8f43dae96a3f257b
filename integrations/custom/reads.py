"""The fields of a description: which path, constant or table each value of ours comes from."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import Kind, Many, Shape, Table
from .given import Given
from .paths import Path, PathInvalid, parse
from .values import CONVERT, Convert, Manner, read_money, read_time

_MOST_PARTS = 8
_MOST_WORDS = 1000
#: Words that make an object a value; without one of them it is an object of fields.
_OF_A_VALUE = frozenset(("path", "value", "join"))
_ABOUT_A_VALUE = ("path", "default", "map", "else", "money", "time")


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value comes from: the first of its paths that finds one, else the default.

    Constants and the results of ``words`` are final, written as our schema has them. ``joined`` are
    values whose texts make this one.
    """

    setting: str
    kind: Kind = Kind.TEXT
    paths: tuple[Path, ...] = ()
    default: Any = None
    words: Mapping[str, Any] | None = None
    otherwise: Any = None
    has_otherwise: bool = False
    joined: "tuple[Value, ...]" = ()
    separator: str = ""
    manner: Manner = field(default_factory=Manner)
    #: What writes a value of this kind as our schema does.
    convert: Convert = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "convert", CONVERT[self.kind])


@dataclass(frozen=True, slots=True)
class Part:
    """An object: its fields by name."""

    setting: str
    fields: "Mapping[str, Read]"
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Each:
    """Objects of a list: one for each value that the path finds and ``condition`` is true of."""

    setting: str
    path: Path
    condition: Path | None
    part: Part


@dataclass(frozen=True, slots=True)
class Items:
    """A list, gathered from one place or several."""

    setting: str
    sources: tuple[Each, ...]


Read = Value | Part | Items


def read_path(given: Given) -> Path:
    """Return a path. Raises SettingUnusable."""
    try:
        return parse(given.text())
    except PathInvalid as error:
        raise given.refuse(error.russian, error.english) from None


def read_value(
    given: Given,
    shape: Kind | frozenset[str] = Kind.TEXT,
    manner: Manner | None = None,
) -> Value:
    """Return where a value comes from. Raises SettingUnusable."""
    kind = shape if isinstance(shape, Kind) else Kind.TEXT
    words = None if isinstance(shape, Kind) else shape
    own = manner or Manner()
    if not given.is_object:
        return Value(given.place, kind, (read_path(given),), manner=own)
    members = given.members()
    if "value" in members:
        given.members(("value",))
        return Value(given.place, kind, default=_constant(members["value"], words))
    if "join" in members:
        return _joined(given, kind)
    given.members(_ABOUT_A_VALUE)
    given.required(members, "path")
    table = _table(members["map"], words) if "map" in members else None
    if "else" in members and table is None:
        raise members["else"].refuse("бывает только с map", "only together with map")
    return Value(
        given.place,
        kind,
        tuple(map(read_path, members["path"].one_or_more())),
        default=_constant(members["default"], words) if "default" in members else None,
        words=table,
        otherwise=_constant(members["else"], words) if "else" in members else None,
        has_otherwise="else" in members,
        manner=_manner(members, own),
    )


def _joined(given: Given, kind: Kind) -> Value:
    members = given.members(("join", "with"))
    if kind not in (Kind.ID, Kind.TEXT):
        raise given.refuse("складываются только тексты и коды", "only texts and ids are joined")
    parts = tuple(read_value(one) for one in members["join"].items())
    if len(parts) > _MOST_PARTS or any(one.joined for one in parts):
        raise members["join"].refuse(
            f"до {_MOST_PARTS} частей, без join внутри", f"at most {_MOST_PARTS}, no join inside"
        )
    separator = members["with"].text(10) if "with" in members else ""
    return Value(given.place, kind, joined=parts, separator=separator)


def _constant(given: Given, words: Collection[str] | None) -> Any:
    found = given.constant()
    if words is not None and found is not None:
        return given.one_of(words)
    return found


def _table(given: Given, words: Collection[str] | None) -> Mapping[str, Any]:
    members = given.members()
    if not 0 < len(members) <= _MOST_WORDS:
        raise given.refuse(f"от 1 до {_MOST_WORDS} слов", f"1 to {_MOST_WORDS} words")
    return {name: _constant(one, words) for name, one in members.items()}


def _manner(members: Mapping[str, Given], manner: Manner) -> Manner:
    money, time = members.get("money"), members.get("time")
    return Manner(
        manner.money if money is None else read_money(money, manner.money),
        manner.time if time is None else read_time(time, manner.time),
    )


def read_part(given: Given, table: Table, manner: Manner, control: Collection[str] = ()) -> Part:
    """Return the fields of an object; ``control`` are words beside them. Raises SettingUnusable."""
    members = given.members({*table.fields, *control})
    own = _manner(members if "money" in control else {}, manner)
    for names in table.required:
        if not any(name in members for name in names):
            given.required(members, names[0])
    fields = {
        name: _read(one, table.fields[name], own)
        for name, one in members.items()
        if name not in control
    }
    return Part(given.place, fields, table.is_link)


def _read(given: Given, shape: Shape, manner: Manner) -> Read:
    if isinstance(shape, Many):
        sources = tuple(read_each(one, shape.of, manner) for one in given.one_or_more())
        return Items(given.place, sources)
    if isinstance(shape, Table):
        is_value = not given.is_object or not _OF_A_VALUE.isdisjoint(given.value)
        if shape.is_link and is_value:
            return read_value(given, Kind.ID, manner)
        return read_part(given, shape, manner)
    return read_value(given, shape, manner)


def read_each(
    given: Given, table: Table, manner: Manner, more: Collection[str] = (), default: str = ""
) -> Each:
    """Return the objects of a list. Raises SettingUnusable."""
    members = given.members({*table.fields, "each", "if", "money", "time", *more})
    if not default:
        given.required(members, "each")
    path = read_path(members["each"]) if "each" in members else parse(default)
    if path.root != "@":
        raise members["each"].refuse(
            "перечисляется то, что внутри записи: путь начинается с @",
            "what is inside the record is gone through: the path begins with @",
        )
    condition = read_path(members["if"]) if "if" in members else None
    part = read_part(given, table, manner, control=("each", "if", "money", "time", *more))
    return Each(given.place, path, condition, part)


def paths_of(read: Read | Each) -> Iterator[Path]:
    """Go over all paths below."""
    match read:
        case Value():
            yield from read.paths
            inner: Iterable[Read | Each] = read.joined
        case Part():
            inner = read.fields.values()
        case Items():
            inner = read.sources
        case Each():
            yield from () if read.condition is None else (read.condition,)
            inner = (read.part,)
    for one in inner:
        yield from paths_of(one)
