"""Paths into a body: the part of JSONPath (RFC 9535) that visits each value at most once.

``$`` is the whole body, ``^`` the record, ``@`` the record too, and inside a list its item:

    @.sum   @['sum total']   @.items[0]   @.items[-1]   $.receipts[*]   @.paid[?@.kind == 'cash']

There is no descent (``..``), no slice, no arithmetic, no regular expression and no function: what a
path costs is bounded by the size of the body, whoever wrote the body. Values stay as they were
parsed, numbers exact, and each is found with its place.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.reading import Reader

_LONGEST = 300
_MOST_STEPS = 16
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_NAME = r"[^\W\d]\w*"
_STEP = re.compile(
    rf"\.(?P<name>{_NAME})"
    rf"|\[\s*(?:(?P<quoted>{_QUOTED})|(?P<index>-?[0-9]{{1,6}})|(?P<every>\*)"
    rf"|\?\s*@(?P<inner>(?:\.{_NAME})+)\s*(?P<sign>==|!=)\s*"
    rf"(?P<literal>{_QUOTED}|-?[0-9]{{1,15}}(?:\.[0-9]{{1,15}})?|true|false|null))\s*\]"
)
_WORDS = {"true": True, "false": False, "null": None}


class PathInvalid(ValueError):
    """A text is no path; the message is Russian and English."""

    def __init__(self, russian: str, english: str) -> None:
        super().__init__(f"{russian} / {english}")
        self.russian = russian
        self.english = english


@dataclass(frozen=True, slots=True)
class Member:
    """The member of an object under a name."""

    name: str

    def of(self, node: Reader) -> Iterator[Reader]:
        """Go over the one member, where it is there."""
        if type(node.value) is dict and self.name in node.value:
            yield Reader(node.value[self.name], self.name, node)


@dataclass(frozen=True, slots=True)
class Item:
    """The item of a list at an index, a negative one counts from the end."""

    index: int

    def of(self, node: Reader) -> Iterator[Reader]:
        """Go over the one item, where it is there."""
        if type(node.value) is list and -len(node.value) <= self.index < len(node.value):
            index = self.index % len(node.value)
            yield Reader(node.value[index], index, node)


@dataclass(frozen=True, slots=True)
class Every:
    """All items of a list, or all members of an object."""

    def of(self, node: Reader) -> Iterator[Reader]:
        """Go over all of them."""
        if type(node.value) is list:
            yield from node
        elif type(node.value) is dict:
            yield from (child for _, child in node.members())


@dataclass(frozen=True, slots=True)
class Where:
    """Those of all whose inner value equals a literal, or does not."""

    inner: tuple[Member, ...]
    equal: bool
    literal: Any

    def of(self, node: Reader) -> Iterator[Reader]:
        """Go over those that fit."""
        for child in Every().of(node):
            found = any(_same(one.value, self.literal) for one in _down(self.inner, [child]))
            if found is self.equal:
                yield child


Step = Member | Item | Every | Where


def _same(value: Any, literal: Any) -> bool:
    if isinstance(value, bool) or isinstance(literal, bool) or value is None or literal is None:
        return value is literal
    return bool(value == literal)


def _down(steps: Iterable[Step], nodes: list[Reader]) -> list[Reader]:
    for step in steps:
        nodes = [child for node in nodes for child in step.of(node)]
    return nodes


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path. ``root`` is where it begins: ``$``, ``^`` or ``@``."""

    text: str
    steps: Sequence[Step]
    root: str
    #: The one name that most paths are.
    name: str | None = None

    def find(self, start: Reader) -> list[Reader]:
        """Return what stands at the path, nulls included, in the order of the body."""
        name, value = self.name, start.value
        if name is not None:
            is_there = type(value) is dict and name in value
            return [Reader(value[name], name, start)] if is_there else []
        return _down(self.steps, [start])

    def is_stated(self, start: Reader) -> bool:
        """Say whether the list is there that the path goes through, be it empty."""
        several = [n for n, step in enumerate(self.steps) if isinstance(step, Every | Where)]
        if not several:
            return bool(self.find(start))
        holders = _down(self.steps[: several[-1]], [start])
        return any(type(one.value) in (list, dict) for one in holders)

    def sought(self, start: Reader) -> str:
        """Return the place in the body where nothing was found."""
        below = self.text[1:]
        return start.path + below if start.path != "$" else below.removeprefix(".") or "$"


def parse(text: str) -> Path:
    """Return the path that a text spells. Raises PathInvalid."""
    if not text.startswith(("$", "^", "@")) or len(text) > _LONGEST:
        raise PathInvalid(
            "путь начинается с $ (всё тело), ^ (запись) или @ (запись или элемент списка), до 300"
            ' знаков; постоянное — {"value": …}',
            "a path begins with $ (the whole body), ^ (the record) or @ (the record, or a list's"
            ' item), at most 300 characters; a constant is {"value": …}',
        )
    steps: list[Step] = []
    position = 1
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or len(steps) == _MOST_STEPS:
            rest = text[position : position + 40]
            raise PathInvalid(
                f"не читается с «{rest}»: бывают .имя, ['имя'], [0], [*], [?@.имя == 'текст'],"
                f" до {_MOST_STEPS} шагов",
                f"unreadable from {rest!r}: there are .name, ['name'], [0], [*],"
                f" [?@.name == 'text'], at most {_MOST_STEPS} steps",
            )
        steps.append(_step(match))
        position = match.end()
    first = steps[0] if len(steps) == 1 else None
    name = first.name if isinstance(first, Member) else None
    return Path(text, tuple(steps), text[0], name)


def _step(match: re.Match[str]) -> Step:
    found = match.groupdict()
    if found["name"] is not None:
        return Member(found["name"])
    if found["quoted"] is not None:
        return Member(_unquoted(found["quoted"]))
    if found["index"] is not None:
        return Item(int(found["index"]))
    if found["every"] is not None:
        return Every()
    inner = tuple(Member(name) for name in found["inner"][1:].split("."))
    return Where(inner, found["sign"] == "==", _literal(found["literal"]))


def _literal(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    return _unquoted(text) if text[0] in "'\"" else Decimal(text)


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    if text[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        raise PathInvalid(f"неверные кавычки: {text}", f"a broken quotation: {text}") from None
