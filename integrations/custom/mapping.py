"""From a record to the document of our standard schema that a description makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from integrations.contract import PayloadUnrecognised
from integrations.reading import Reader
from integrations.strict import child_path
from sales.money import is_currency

from .description import Section
from .fields import Action, Kind
from .paths import Path
from .reads import Each, Items, Part, Value
from .values import as_text, is_nothing, refused

MOST_ITEMS = 5000
_FALSE = frozenset(("false", "no", "нет"))


@dataclass(frozen=True, slots=True)
class Told:
    """One field of a document: which setting and which place of the body it came from."""

    target: str
    setting: str
    place: str
    found: bool
    given: Any = None
    became: Any = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What paths begin at, and what amounts without a currency are in.

    ``told`` gathers how each field came about, where somebody wants to know.
    """

    record: Reader
    at: Reader
    shared: Mapping[str, Sequence[Reader]]
    currency: str
    told: list[Told] | None = None

    def inside(self, at: Reader) -> "Scope":
        """Return the scope of an item of a list."""
        return Scope(self.record, at, self.shared, self.currency, self.told)

    def find(self, path: Path) -> Sequence[Reader]:
        """Return what stands at a path."""
        if path.root == "$":
            return self.shared.get(path.text, ())
        return path.find(self.record if path.root == "^" else self.at)

    def sought(self, path: Path) -> str:
        """Return the place where a path found nothing."""
        start = {"^": self.record, "@": self.at}.get(path.root, Reader(None))
        return path.sought(start)

    def note_item(self, target: str, each: Each) -> None:
        """Keep where a document, or an item of a list, stands."""
        if self.told is not None:
            self.told.append(Told(target, each.setting, self.at.path, True))


class _Outcome(NamedTuple):
    """A value that was read: whether something stands there, be it null."""

    stated: bool
    value: Any = None
    node: Reader | None = None


def envelope(section: Section, action: Action, scope: Scope) -> dict[str, Any]:
    """Return one document in the envelope of the standard schema, without nulls."""
    made: dict[str, Any] = {"type": action.event}
    scope.note_item("data", section.each)
    if section.timestamp is not None:
        found = _value(section.timestamp, scope, "timestamp").value
        made |= {} if is_nothing(found) else {"timestamp": found}
    fields = section.each.part.fields
    if action.only:
        fields = {name: read for name, read in fields.items() if name in action.only}
    part = Part(section.each.part.setting, fields)
    made["data"] = _part(part, _with_currency(part, scope), "data")
    return made


def _with_currency(part: Part, scope: Scope) -> Scope:
    """Return the scope with the document's own currency, which says what a kopeck is."""
    own = part.fields.get("currency")
    if not isinstance(own, Value):
        return scope
    silent = Scope(scope.record, scope.at, scope.shared, scope.currency)
    currency = _value(own, silent, "").value
    if isinstance(currency, str) and is_currency(currency):
        return Scope(scope.record, scope.at, scope.shared, currency, scope.told)
    return scope


def _part(part: Part, scope: Scope, target: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, read in part.fields.items():
        # The place is for whoever asks how a field came about.
        place = "" if scope.told is None else child_path(target, name)
        if type(read) is Value:
            found = _value(read, scope, place)
            if found.stated:
                made[name] = found.value
        elif type(read) is Items:
            _put_items(made, name, read, scope, place)
        elif type(read) is Part:
            _put_part(made, name, read, scope, place)
    return made


def _put_part(made: dict[str, Any], name: str, part: Part, scope: Scope, target: str) -> None:
    inner = _part(part, scope, target)
    own = inner.get("external_id", inner.get("id"))
    if part.is_link and is_nothing(own):
        if inner.keys() & {"id", "external_id"}:
            made[name] = None  # it is said that there is none
        return
    if inner:
        made[name] = inner


def _put_items(made: dict[str, Any], name: str, read: Items, scope: Scope, target: str) -> None:
    found: list[dict[str, Any]] = []
    stated = False
    for each in read.sources:
        stated = stated or each.path.is_stated(scope.at)
        for at in items(each, scope):
            place, inner = child_path(target, len(found)), scope.inside(at)
            inner.note_item(place, each)
            found.append(_part(each.part, inner, place))
    if stated:
        made[name] = found


def items(each: Each, scope: Scope) -> list[Reader]:
    """Return what a list is made of. Raises PayloadUnrecognised beyond 5000 of them."""
    found = each.path.find(scope.at)
    if len(found) > MOST_ITEMS:
        place = each.path.sought(scope.at)
        raise PayloadUnrecognised(place, f"more than {MOST_ITEMS} items ({each.setting})")
    condition = each.condition
    if condition is None:
        return [one for one in found if one.value is not None]
    return [one for one in found if any(map(_holds, scope.inside(one).find(condition)))]


def _holds(node: Reader) -> bool:
    """Say whether a value is more than nothing: no null, false, zero, empty text or list."""
    value = node.value
    if not isinstance(value, str):
        return bool(value)
    return value.strip().lower() not in _FALSE and bool(value.strip(" -0.,"))


def _value(value: Value, scope: Scope, target: str) -> _Outcome:
    found = _joined(value, scope) if value.joined else _found(value, scope)
    if is_nothing(found.value) and value.default is not None:
        found = _Outcome(True, value.default, found.node)
    elif type(found.value) is str and not found.value:
        found = found._replace(value=None)
    if scope.told is not None:
        scope.told.append(_told(target, value, scope, found))
    return found


def _told(target: str, value: Value, scope: Scope, found: _Outcome) -> Told:
    """Return how a field came about, or where it was sought."""
    node = found.node
    place = "" if node is None else node.path
    if node is None and value.paths:
        place = scope.sought(value.paths[0])
    given = None if node is None else node.value
    is_found = not is_nothing(found.value)
    return Told(target, value.setting, place, is_found, given, found.value)


def _found(value: Value, scope: Scope) -> _Outcome:
    null: Reader | None = None
    for path in value.paths:
        nodes = scope.find(path)
        if value.kind is Kind.CODES:
            texts = [value.convert(one, value.manner, "") for one in nodes]
            return _Outcome(bool(nodes), texts or None, nodes[0] if nodes else None)
        for node in nodes:
            if not is_nothing(node.value):
                return _Outcome(True, _became(value, node, scope), node)
            null = null or node
    return _Outcome(null is not None, None, null)


def _became(value: Value, node: Reader, scope: Scope) -> Any:
    if value.words is not None:
        word = as_text(node.value)
        if word is not None and word in value.words:
            return value.words[word]
        if value.has_otherwise:
            return value.otherwise
    try:
        return value.convert(node, value.manner, scope.currency)
    except PayloadUnrecognised as error:
        raise refused(error, node.path, value.setting) from None


def _joined(value: Value, scope: Scope) -> _Outcome:
    texts: list[str] = []
    first: Reader | None = None
    for part in value.joined:
        found = _value(part, Scope(scope.record, scope.at, scope.shared, scope.currency), "")
        text = as_text(found.value)
        if text is None:
            return _Outcome(False, None, found.node)
        texts.append(text)
        first = first or found.node
    return _Outcome(True, value.separator.join(texts), first)


def read_at(value: Value, scope: Scope) -> Reader | None:
    """Return the text of one value, with its place; None where nothing is found."""
    found = _value(value, scope, "")
    text = as_text(found.value)
    return None if text is None else Reader(text, found.node.path if found.node else "")
