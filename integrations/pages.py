"""A page of a list, of which what cannot be read must hold up nothing else."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .contract import Context, Event, Normaliser, PayloadUnrecognised, Statement

#: An item of the page: what stands in the first list of its answer is an entity of its own.
_ITEM = re.compile(r"answers\[0\]((?:\.[^.\[\]]+)*)\[(\d+)\]")
#: With more of them than this it is the reading that is wrong, and the page waits as a whole.
_MOST = 20


def state(
    normalise: Normaliser, event: Event, context: Context
) -> tuple[Sequence[Statement] | None, PayloadUnrecognised | None]:
    """Return what a page states without the items that cannot be read, and what is wrong with the
    first of them; None where all can.

    Raises PayloadUnrecognised where it is no item that is wrong, or too many are.
    """
    wrong: list[PayloadUnrecognised] = []
    while True:
        try:
            return normalise(event, context), _told(wrong)
        except PayloadUnrecognised as error:
            wrong.append(error)
            rest = _without(event.payload, error.path)
            if rest is None or len(wrong) > _MOST:
                raise wrong[0] from None
            event = replace(event, payload=rest)


def _told(wrong: Sequence[PayloadUnrecognised]) -> PayloadUnrecognised | None:
    if len(wrong) < 2:
        return wrong[0] if wrong else None
    more = f"и ещё / and more: {len(wrong) - 1}"
    return PayloadUnrecognised(wrong[0].path, f"{wrong[0].reason} ({more})")


def _without(payload: Any, path: str) -> Any:
    """Return the payload without the item that a path leads into; None where it leads into none,
    or no item would be left."""
    match = _ITEM.match(path)
    if match is None:
        return None
    keys = match[1].split(".")[1:]
    page = _smaller(payload["answers"][0], keys, int(match[2]))
    return None if page is None else {**payload, "answers": [page, *payload["answers"][1:]]}


def _smaller(page: Any, keys: Sequence[str], index: int) -> Any:
    if not keys:
        return [*page[:index], *page[index + 1 :]] if len(page) > 1 else None
    inner = _smaller(page[keys[0]], keys[1:], index)
    return None if inner is None else {**page, keys[0]: inner}
