"""What people do, through the API: edit, let go, delete, restore, enter, move a location."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from accounts.rls import scoped
from sales.models import Location, Sale

from .base import Base, which

#: A day apart, so that a sale of any hour changes its day.
_ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago", None]
_EDITS = [
    {"number": "7"},
    {"number": None},
    {"total": "55.00"},
    {"occurred_at": "2026-09-13T22:30:00Z"},
    {"status": "voided"},
    {"status": "completed"},
    {"lines": [{"name": "Рука", "quantity": "1", "unit_price": "5.00"}]},
    {"is_test": True},
]


class People(Base):
    """The rules of editors."""

    def __init__(self) -> None:
        super().__init__()
        self.entered: set[int] = set()

    def _sale(self, number: int) -> Sale | None:
        with scoped([self.account]):
            found = list(Sale.objects.order_by("source_id", "external_id"))
        return found[number % len(found)] if found else None

    def _ask(self, method: str, path: str, body: Any = None, **headers: str) -> int:
        text = None if body is None else json.dumps(body)
        answer = self.business.call(method, path, text, **headers)
        assert answer.status_code < 500, answer.content.decode()
        return int(answer.status_code)

    @rule(number=which, body=st.sampled_from(_EDITS))
    def edit(self, number: int, body: dict[str, Any]) -> None:
        """Set a field of a sale by hand."""
        sale = self._sale(number)
        if sale is not None:
            shown = sale.visible and not sale.deleted
            assert self._ask("PATCH", f"/sales/{sale.pk}/", body) == (200 if shown else 404)

    @rule(number=which)
    def release(self, number: int) -> None:
        """Let the provider speak for a field again."""
        sale = self._sale(number)
        if sale is not None and sale.base and sale.visible and not sale.deleted:
            name = sorted(sale.base)[number % len(sale.base)]
            assert self._ask("DELETE", f"/sales/{sale.pk}/overrides/{name}/") in (200, 404)

    @rule(number=which)
    def delete(self, number: int) -> None:
        """Bury a sale by hand."""
        sale = self._sale(number)
        if sale is not None:
            shown = sale.visible and not sale.deleted
            assert self._ask("DELETE", f"/sales/{sale.pk}/") == (204 if shown else 404)

    @rule(number=which)
    def restore(self, number: int) -> None:
        """Bring back what was deleted, by whomever."""
        sale = self._sale(number)
        if sale is not None:
            self._ask("POST", f"/sales/{sale.pk}/restore/")

    @rule(number=which)
    def enter(self, number: int) -> None:
        """Enter a sale by hand; the same key again makes no second one."""
        body = {"occurred_at": "2026-09-14T12:00:00Z", "currency": "RUB", "total": f"{number}.00"}
        key = {"Idempotency-Key": f"key-{number}"}
        first, again = (self._ask("POST", "/sales/", body, **key) for _ in range(2))
        if number in self.entered:
            assert first == again
            assert again in (200, 404)  # deleted meanwhile
        else:
            assert (first, again) == (201, 200)
        self.entered.add(number)

    @rule(number=which, zone=st.sampled_from(_ZONES), hour=which)
    def move_a_location(self, number: int, zone: str | None, hour: int) -> None:
        """Change the zone and the cut-off of a location: the days of its sales follow."""
        with scoped([self.account]):
            found = list(Location.objects.filter(deleted=False).order_by("pk"))
        if found:
            chosen = found[number % len(found)]
            body = {"timezone": zone, "day_cutoff": hour % 24}
            assert self._ask("PATCH", f"/locations/{chosen.pk}/", body) == 200
