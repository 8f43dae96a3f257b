"""What of one event of several is read before anybody makes sense of it: parts of its key and its
time, of whatever stands there. Nothing is refused here, so that one broken event holds up no other
of its delivery; its normaliser says what is wrong.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .contract import PayloadUnrecognised
from .reading import Reader

_LONGEST = 100


def object_of(value: Any) -> Mapping[str, Any]:
    """Return an object, an empty one of anything else."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """Return the first 100 characters of a text or a whole number, none of anything else."""
    return str(value)[:_LONGEST] if type(value) in (str, int) else ""


def millis_of(one: Mapping[str, Any], key: str) -> datetime | None:
    """Return a time in milliseconds since 1970, None where there is none."""
    with contextlib.suppress(PayloadUnrecognised):
        return Reader(one)[key].millis()
    return None
