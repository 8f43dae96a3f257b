"""Which tests show a row of the catalogue, read from the names of the functions themselves."""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "docs" / "faults.md"
NUMBERS = range(1, 78)
#: Where pytest looks (pyproject.toml: testpaths).
_FOLDERS = ("accounts", "backend_gjango", "ingest", "integrations", "sales", "tasks", "tests")
_NUMBER = re.compile(r"F(\d+)_")
_ROW = re.compile(r"^\| F(\d+) \| (.+?) \| (.*?) \|$", re.M)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A test function that carries numbers. ``asserts``: it can fail by more than an exception."""

    name: str
    file: str
    numbers: tuple[int, ...]
    asserts: bool


def found() -> Iterator[Numbered]:
    """Return the numbered tests of the whole repository, by file and place."""
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            nodes = ast.parse(path.read_text()).body
            functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
            helpers = {one.name for one in functions if _asserts(one, set())}
            for one in functions:
                if numbers := _numbers(one.name):
                    where = str(path.relative_to(ROOT))
                    yield Numbered(one.name, where, numbers, _asserts(one, helpers))


def _numbers(name: str) -> tuple[int, ...]:
    # Up to the sentence: test_F20_F21_the_loser_… has two.
    head = re.match(r"test_((?:F\d+_)+)", name)
    return tuple(map(int, _NUMBER.findall(head[1]))) if head else ()


def _asserts(test: ast.FunctionDef, helpers: Collection[str]) -> bool:
    """Say whether a test asserts, or calls a function of its file that does."""
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr == "raises")
        or (isinstance(node, ast.Name) and node.id in helpers)
        for node in ast.walk(test)
    )


def by_number() -> dict[int, list[Numbered]]:
    """Return the tests of every number."""
    tests: dict[int, list[Numbered]] = {number: [] for number in NUMBERS}
    for one in found():
        for number in one.numbers:
            tests.setdefault(number, []).append(one)
    return tests


def shown(tests: list[Numbered]) -> str:
    """Return the cell that names tests."""
    return "<br>".join(f"[`{one.name}`](../{one.file})" for one in tests)


def told() -> dict[int, tuple[str, str]]:
    """Return of the table what happens, and the cell of tests, of each number."""
    return {int(number): (text, cell) for number, text, cell in _ROW.findall(TABLE.read_text())}


def rewrite() -> None:
    """Write the cells of tests anew; what happens is a person's to say."""
    tests = by_number()

    def row(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"| F{number} | {match[2]} | {shown(tests.get(number, []))} |"

    TABLE.write_text(_ROW.sub(row, TABLE.read_text()))
