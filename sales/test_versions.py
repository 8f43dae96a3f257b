"""Which of two statements stands, worked out by hand; stamps; telling twice."""

import pytest

from sales.drafts import (
    Line,
    Money,
    Version,
    pack_stamp,
)
from sales.models import SaleLine
from sales.recording import Recorded
from tests.told import V1, V2, V3, header, paid, payment, refund, sale, stored, tell
from tests.universe import Universe

pytestmark = pytest.mark.django_db


def test_F39_a_tombstone_outlives_older_content_and_falls_to_newer(world: Universe) -> None:
    tell(world, sale(V2, gone=True))
    tell(world, sale(V1, header=header(), lines=()))
    assert (stored().deleted, stored().visible, stored().total) == (True, False, 30)

    tell(world, sale(V2, header=header("31.00")))
    assert stored().deleted

    tell(world, sale(V3, header=header("32.00")))
    assert (stored().deleted, stored().visible, stored().total) == (False, True, 32)


def test_a_poorer_view_never_beats_the_document_however_late(world: Universe) -> None:
    tell(world, sale(V1, header=header()))
    done = tell(world, sale(Version(20, V3.clock), header=header("1.00")))

    assert (stored().total, done.changed) == (30, frozenset())


def test_F40_equal_versions_with_other_content_are_tied_until_a_later_one(world: Universe) -> None:
    tell(world, sale(header=header("1.00"), lines=()))
    tell(world, sale(header=header("2.00")))
    assert (stored().tied, stored().anomalies) == (True, ["tied"])

    tell(world, sale(V2, lines=(Line(),)))
    assert stored().tied

    tell(world, sale(V2, header=header("3.00")))
    assert (stored().tied, stored().anomalies, stored().total) == (False, [], 3)


def test_what_is_told_again_changes_nothing_and_says_so(world: Universe) -> None:
    drafts = (
        sale(header=header(), lines=(Line(),), money=Money(payments=(paid("30.00"),))),
        refund("1.00", sale_external_id="s"),
        payment("2.00", name="q", to="t"),
    )
    first = tell(world, *drafts)
    before = (stored().updated_at, stored("t").updated_at)

    again = tell(world, *drafts)

    assert first.changed == {0, 1, 2}
    assert again == Recorded(frozenset(), frozenset(), frozenset())
    assert (stored().updated_at, stored("t").updated_at) == before


def test_an_older_statement_counts_for_the_facet_that_nobody_stated_later(world: Universe) -> None:
    tell(world, sale(V3, header=header("3.00")))
    done = tell(world, sale(V1, header=header("1.00"), lines=(Line(name="Чай"),)), sale(V2))

    assert (stored().total, SaleLine.objects.get().name) == (3, "Чай")
    assert done.changed == {0}


def test_the_bytes_of_a_stamp_are_ordered_as_its_parts() -> None:
    parts = [
        (rank, clock, seq, mapper, digest)
        for rank in (5, 30)
        for clock in (0, 255, 256, 2**51)
        for seq in (0, 1, 2**50 + 1)
        for mapper in (1, 300)
        for digest in (b"\x00" * 8, b"\xff" * 8)
    ]

    def packed(part: tuple[int, int, int, int, bytes]) -> bytes:
        rank, clock, seq, mapper, digest = part
        return pack_stamp(Version(rank, clock, seq), mapper, digest)

    assert sorted(parts, key=packed) == sorted(parts)
    assert len({packed(part) for part in parts}) == len(parts)
