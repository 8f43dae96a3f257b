"""The table of docs/model.md names tests for every property, and all that it names exist."""

import re
from pathlib import Path

_HERE = Path(__file__).parent
_TABLE = (_HERE.parent.parent / "docs" / "model.md").read_text()
_NAMED = re.compile(r"`(test_[a-z]+\.py)::(test_property_(\d\d)_[a-z0-9_]+)`")


def _written() -> set[tuple[str, str]]:
    return {
        (path.name, name)
        for path in _HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_property_\d\d_\w+)", path.read_text(), re.MULTILINE)
    }


def test_every_property_is_named_with_tests_that_exist() -> None:
    named = {(file, name) for file, name, _ in _NAMED.findall(_TABLE)}

    assert {number for _, _, number in _NAMED.findall(_TABLE)} == {f"{n:02d}" for n in range(1, 18)}
    assert named <= _written()


def test_every_test_of_a_property_is_in_the_table() -> None:
    named = {name for _, name, _ in _NAMED.findall(_TABLE)}
    quick = {name for _, name in _written() if not name.endswith("_at_length")}

    assert quick - named == set()
