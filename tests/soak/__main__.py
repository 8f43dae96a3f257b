"""``python -m tests.soak``: see ``--help``."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .live import Options

_EXAMPLES = """
примеры / examples:
  python -m tests.soak --seed 1 --minutes 10
  python -m tests.soak --seed 2 --minutes 10 --no-redis
  python -m tests.soak --seeds 11-20 --minutes 10    # one after the other, a line each
  python -m tests.soak --minutes 1 --fault "kill -9 PostgreSQL" --fault "Valkey FLUSHALL"
  python -m tests.soak --minutes 0.5 --defect asynchronous_commit   # must fail
  python -m tests.soak --faults                                     # list them
  python -m tests.soak --json | python -m json.tool

код / exit: 0 потеряно, лишнее и удвоено 0, деньги 0.00 / all promises held; 1 нет / not all;
130 прервано / interrupted
"""


def _range(text: str) -> range:
    """Read FIRST-LAST. Raises ArgumentTypeError."""
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"нужно / expected 11-20, {text!r}")
    return range(int(first), int(last) + 1)


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    found = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=(
            "Прогон под нагрузкой и сбоями: настоящие процессы, отправители как провайдеры, журнал "
            "принятого; в конце сверка журнала, staging и продаж.\n"
            "A soak under load and faults: real processes, senders that behave as providers, a "
            "journal of what was acknowledged; then journal, staging and sales are compared."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = found.add_argument
    add("--seed", type=int, default=1, help="из него всё / everything follows from it (1)")
    add("--seeds", metavar="FIRST-LAST", type=_range, help="подряд / one after the other")
    add("--minutes", type=float, default=10.0, help="длительность нагрузки / of load (10)")
    add("--rate", type=float, default=80.0, help="доставок в секунду / deliveries a second (80)")
    add("--no-redis", action="store_true", help="Redis мёртв всё время / dead throughout")
    add("--fault", action="append", default=[], metavar="NAME", help="только эти / only these")
    add("--faults", action="store_true", help="показать сбои / list the faults")
    add("--defect", action="append", default=[], help="испорченный продукт / a broken product")
    add("--journal", type=Path, help="каталог журнала / directory of the journal (temporary)")
    add("--patience", type=float, default=240.0, help="секунд на конец / seconds to become quiet")
    add("--json", action="store_true", help="одна строка JSON / one line of JSON on stdout")
    add("--docs", action="store_true", help="вписать в / write into docs/reliability.md")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak; return the exit code."""
    given = parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, signal.default_int_handler)
    # Whatever installation this shell is set up for, a soak makes one of its own.
    for name in list(os.environ):
        if name.startswith(("DATABASE_", "REDIS_", "GJANGO_STATE", "GJANGO_TEST_STATE")):
            del os.environ[name]
    from .faults import FAULTS
    from .live import Options

    if given.faults:
        print("\n".join(f"{one.name}{' (' + one.needs + ')' * bool(one.needs)}" for one in FAULTS))
        return 0
    unknown = set(given.fault) - {one.name for one in FAULTS}
    if unknown:
        names = ", ".join(sorted(unknown))
        print(f"--fault: нет такого / unknown: {names}; см. / see --faults", file=sys.stderr)
        return 2
    options = Options(
        seed=given.seed,
        seconds=given.minutes * 60,
        rate=given.rate,
        redis=not given.no_redis,
        only=given.fault,
        defects=given.defect,
        journal=given.journal,
        patience=given.patience,
    )
    try:
        values = [
            _run(replace(options, seed=seed), given) for seed in given.seeds or [options.seed]
        ]
    except KeyboardInterrupt:
        print("прервано / interrupted", file=sys.stderr)
        return 130
    if given.docs:
        _document(values, given)
    return 0 if all(one["ok"] for one in values) else 1


def _run(options: "Options", given: argparse.Namespace) -> dict[str, Any]:
    """Make one run, print it, and return what it reports."""
    from .run import soak, to_stderr
    from .table import text

    report = soak(options, to_stderr)
    as_json = json.dumps(report.value, ensure_ascii=False, default=str)
    print(as_json if given.json else text(report.value), flush=True)
    value: dict[str, Any] = json.loads(as_json)
    return value


def _document(values: Sequence[dict[str, Any]], given: argparse.Namespace) -> None:
    from . import table

    words = f" --minutes {given.minutes:g}" + " --no-redis" * given.no_redis
    if given.seeds:
        command = f"python -m tests.soak --seeds {given.seeds[0]}-{given.seeds[-1]}{words}"
        table.replace("seeds", table.summary(values, command))
    else:
        table.write(values[0], f"python -m tests.soak --seed {given.seed}{words}")


if __name__ == "__main__":
    raise SystemExit(main())
