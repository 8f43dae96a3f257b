"""What a query of events and dead letters may ask for, and their orders."""

from uuid import UUID

from accounts.messages import Pair
from sales.api.filters import ID, TIME, Filter, choice, moment, number
from sales.api.pages import Order

from ..models import Outcome

NEWEST = Order("id", ("id",), (int,), descending=True)

_DELIVERY = Pair("UUID из поля delivery", "the UUID in the field delivery")
TEXT = Pair("текст до 500 знаков", "a text of at most 500 characters")
_STATE = Pair("open или closed", "open or closed")
_LONGEST = 500


def text(given: str) -> str:
    """Read a text that a column can hold. Raises ValueError."""
    if len(given) > _LONGEST or "\0" in given:
        raise ValueError(given)
    return given


def _is_open(given: str) -> bool:
    return {"open": True, "closed": False}[given]


_OWNED: dict[str, Filter] = {
    "source": Filter(number, "source_id", ID),
    "provider": Filter(text, "source__provider", TEXT),
    "type": Filter(text, "type", TEXT),
    "delivery": Filter(UUID, "delivery_id", _DELIVERY),
    "after": Filter(moment, "created_at__gte", TIME),
    "before": Filter(moment, "created_at__lt", TIME),
}
EVENTS: dict[str, Filter] = _OWNED | {
    "outcome": choice(Outcome.values, "outcome__in"),
    "key": Filter(text, "key", TEXT),
}
LETTERS: dict[str, Filter] = _OWNED | {
    "state": Filter(_is_open, "closed_at__isnull", _STATE),
    "reason": Filter(text, "reason", TEXT),
}
