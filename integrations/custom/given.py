"""One value of a description, and its place in it: whatever is wrong names the place."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.contract import SettingUnusable
from integrations.strict import child_path

_TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Given:
    """A value of the description, and where it stands: ``sale.lines.total``."""

    value: Any
    place: str = ""

    def refuse(self, russian: str, english: str) -> SettingUnusable:
        """Return the error that names this place."""
        return SettingUnusable(self.place or "$", russian, english)

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, dict)

    def child(self, key: str | int, value: Any) -> "Given":
        """Return what stands below, with its place."""
        return Given(value, child_path(self.place, key))

    def members(self, known: Collection[str] | None = None) -> dict[str, "Given"]:
        """Return the members of an object; a name that is not known is refused."""
        if not isinstance(self.value, dict):
            raise self.refuse("нужен объект {…}", "expected an object {…}")
        found = {name: self.child(name, value) for name, value in self.value.items()}
        for name, child in found.items():
            if known is not None and name not in known:
                there = ", ".join(sorted(known))
                raise child.refuse(f"нет такого поля, есть: {there}", f"no such field: {there}")
        return found

    def required(self, members: Mapping[str, "Given"], *names: str) -> None:
        """Refuse an object that lacks one of these."""
        for name in names:
            if name not in members:
                raise self.child(name, None).refuse("обязательно", "is required")

    def items(self) -> Iterator["Given"]:
        """Go over the items of a list that has some."""
        if not isinstance(self.value, list) or not self.value:
            raise self.refuse("нужен непустой список […]", "expected a list […] that is not empty")
        for index, item in enumerate(self.value):
            yield self.child(index, item)

    def one_or_more(self) -> Iterator["Given"]:
        """Go over a list; what is none is its own only item."""
        return self.items() if isinstance(self.value, list) else iter((self,))

    def text(self, limit: int = _TEXT_LIMIT) -> str:
        """Return a text of 1 to ``limit`` printable characters."""
        found = self.value
        if not isinstance(found, str) or not 0 < len(found) <= limit or not found.isprintable():
            raise self.refuse(
                f"нужен текст от 1 до {limit} знаков", f"expected a text of 1 to {limit} characters"
            )
        return found

    def one_of(self, words: Collection[str]) -> str:
        """Return the text if it is one of these."""
        if not isinstance(self.value, str) or self.value not in words:
            there = ", ".join(sorted(words))
            raise self.refuse(f"нужно одно из: {there}", f"expected one of: {there}")
        return self.value

    def whole(self, low: int, high: int) -> int:
        """Return a whole number within bounds."""
        if type(self.value) is not int or not low <= self.value <= high:
            raise self.refuse(
                f"нужно целое от {low} до {high}", f"expected a whole number, {low} to {high}"
            )
        return self.value

    def constant(self) -> Any:
        """Return a text, a number, true, false or null."""
        if isinstance(self.value, dict | list):
            raise self.refuse(
                "нужен текст, число, true, false или null",
                "expected a text, a number, true, false or null",
            )
        return self.value
