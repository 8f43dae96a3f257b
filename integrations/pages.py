"""A page of a list, of which what cannot be read must hold up nothing else."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .contract import Context, Event, Normaliser, PayloadUnrecognised, Statement

#: Keys that lead into a list, and the place in it.
_STEP = re.compile(r"((?:\.[^.\[\]]+)*)\[(\d+)\]")
_ANSWER = "answers[0]"
#: With more of them than this it is the reading that is wrong, and the page waits as a whole.
_MOST = 20


def state(
    normalise: Normaliser, event: Event, context: Context, *, nested: int = 0
) -> tuple[Sequence[Statement] | None, PayloadUnrecognised | None]:
    """Return what a page states without the items that cannot be read, and what is wrong with the
    first of them; None where all can.

    An item, an entity of its own, stands in the first list of the answer, or below so many lists
    around it. Raises PayloadUnrecognised where it is no item that is wrong, or too many are.
    """
    wrong: list[PayloadUnrecognised] = []
    while True:
        try:
            return normalise(event, context), _told(wrong)
        except PayloadUnrecognised as error:
            wrong.append(error)
            rest = _without(event.payload, error.path, nested)
            if rest is None or len(wrong) > _MOST:
                raise wrong[0] from None
            event = replace(event, payload=rest)


def _told(wrong: Sequence[PayloadUnrecognised]) -> PayloadUnrecognised | None:
    if len(wrong) < 2:
        return wrong[0] if wrong else None
    more = f"и ещё / and more: {len(wrong) - 1}"
    return PayloadUnrecognised(wrong[0].path, f"{wrong[0].reason} ({more})")


def _without(payload: Any, path: str, nested: int) -> Any:
    """Return the payload without the item that a path leads into; None where it leads into none,
    or no item would be left."""
    place = _place(path, nested)
    if place is None:
        return None
    page = _smaller(payload["answers"][0], place)
    return None if page is None else {**payload, "answers": [page, *payload["answers"][1:]]}


def _place(path: str, nested: int) -> list[str | int] | None:
    """Return the keys and indices from the answer to the item; None where there is none."""
    if not path.startswith(_ANSWER):
        return None
    place: list[str | int] = []
    at = len(_ANSWER)
    for _ in range(nested + 1):
        step = _STEP.match(path, at)
        if step is None:
            return None
        place += [*step[1].split(".")[1:], int(step[2])]
        at = step.end()
    return place


def _smaller(value: Any, place: Sequence[str | int]) -> Any:
    """Return a copy without what stands there, None where nothing would be left beside it."""
    key, *rest = place
    if not rest:
        return [one for at, one in enumerate(value) if at != key] if len(value) > 1 else None
    inner = _smaller(value[key], rest)
    if inner is None:
        return None
    if isinstance(value, dict):
        return {**value, key: inner}
    return [inner if at == key else one for at, one in enumerate(value)]
