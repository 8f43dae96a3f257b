"""Every row F1 to F77 has a test that its number finds, and the table for people names them all."""

import re

from .rows import NUMBERS, ROOT, by_number, found, shown, told


def test_every_row_of_the_catalogue_has_a_test_and_every_number_is_a_row() -> None:
    tests = by_number()

    assert set(NUMBERS) <= set(tests)
    assert [number for number, found in tests.items() if not found] == []


def test_what_carries_a_number_can_fail() -> None:
    assert [one.name for one in found() if not one.asserts] == []


def test_the_table_for_people_names_every_test() -> None:
    tests, rows = by_number(), told()

    stale = [number for number in NUMBERS if rows.get(number, ("", ""))[1] != shown(tests[number])]
    assert stale == [], "python -m tests.catalogue writes the names anew"
    assert all(text.count(" / ") == 1 for text, _ in rows.values())


def test_every_metric_is_explained_to_people() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    named = {
        name
        for folder in ("ingest", "tasks", "backend_gjango")
        for file in (ROOT / folder).glob("*.py")
        if not file.name.startswith("test_")
        for name in re.findall(r'"(gjango_\w+_\w+)"', file.read_text())
    }

    assert len(named) > 20
    assert [n for n in sorted(named) if f"`{n}`" not in text and f"`{n}_total`" not in text] == []
