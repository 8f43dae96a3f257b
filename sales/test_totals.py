"""Business days follow the zone and the cut-off, also of what was sold before."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from accounts.models import Source
from accounts.rls import scoped
from sales.drafts import Header, Mention, Refund, RefundDraft, SaleDraft, Version, entity_id
from sales.models import Location, Sale
from sales.models import Refund as RefundRow
from sales.recording import Stated, record
from sales.totals import redate_location, redate_source
from tests import universe

pytestmark = pytest.mark.django_db

NIGHT = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # 02:30 of 2 March in Moscow
SHOP = Mention(external_id="shop")


def _sold(world: universe.Universe) -> None:
    version = Version(30, 1)
    header = Header(currency="RUB", total=Decimal("9.00"), occurred_at=NIGHT, location=SHOP)
    back = Refund(currency="RUB", total=Decimal("1.00"), occurred_at=NIGHT, location=SHOP)
    drafts = (
        SaleDraft(external_id="1", version=version, header=header),
        RefundDraft(external_id="1", version=version, content=back),
    )
    source = world.sources[0]
    record([Stated(x, world.account, source, UUID(int=1), NIGHT, 1) for x in drafts])


def _days() -> tuple[date | None, date | None]:
    return Sale.objects.get().business_date, RefundRow.objects.get().business_date


def test_a_new_cut_off_moves_sales_and_refunds_to_the_evening_before() -> None:
    world = universe.make()
    with scoped([world.account]):
        _sold(world)
        assert _days() == (date(2026, 3, 2), date(2026, 3, 2))

        key = entity_id(world.sources[0], "location", "shop")
        Location.objects.filter(pk=key).update(day_cutoff=5)
        changed = redate_location(key)

        assert changed == 2
        assert _days() == (date(2026, 3, 1), date(2026, 3, 1))
        assert redate_location(key) == 0


def test_a_new_zone_of_the_source_moves_its_days_but_not_where_the_location_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sales.totals.BATCH", 1)
    world = universe.make()
    with scoped([world.account]):
        _sold(world)
        Source.objects.filter(pk=world.sources[0]).update(timezone="America/New_York")
        redate_source(world.sources[0])
        assert _days() == (date(2026, 3, 1), date(2026, 3, 1))

        Location.objects.filter(external_id="shop").update(timezone="Asia/Tokyo")
        redate_location(entity_id(world.sources[0], "location", "shop"))
        assert _days() == (date(2026, 3, 2), date(2026, 3, 2))
