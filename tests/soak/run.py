"""One soak, from the start of the servers to the report."""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.stack import ROOT

from . import faults, house, workload
from .checker import figures, sales, staging
from .director import Director
from .gauges import Gauges, backlog, wal
from .hands import Hands
from .journal import Journal
from .report import Report, Run, build
from .sender import Sender

#: Seconds after the load in which everything has to be acknowledged and settled.
_PATIENCE = 240.0
_TICK = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to run: ``only`` names faults, ``defects`` are those of ``tests.faults.defects``."""

    seed: int = 1
    seconds: float = 600.0
    rate: float = 80.0
    redis: bool = True
    only: Sequence[str] = ()
    defects: Sequence[str] = ()
    journal: Path | None = None
    patience: float = _PATIENCE


def soak(options: Options, say: Callable[[str], None]) -> Report:
    """Run a soak and judge it."""
    made = workload.make(options.seed, options.seconds, options.rate)
    say(f"workload: {made.deliveries} deliveries, {len(made.wanted)} sales, {made.shares()}")
    folder = options.journal or Path(tempfile.mkdtemp(prefix="gjj-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"journal-{options.seed}-{int(time.time())}.jsonl"
    with house.running(redis=options.redis, defects=options.defects) as product:
        say(f"ready: {product.stack.url}")
        journal = Journal(path)
        try:
            run = asyncio.run(_live(options, product, made, journal, say))
        finally:
            journal.close()
        say("judging")
        report = _judge(options, product, made, run, path)
        if report.broken:
            shutil.copytree(product.stack.state / "logs", folder / "logs", dirs_exist_ok=True)
            say(f"logs: {folder / 'logs'}")
        return report


async def _live(
    options: Options, product: house.House, made: workload.Workload, journal: Journal,
    say: Callable[[str], None],
) -> Run:  # fmt: skip
    """Send, strike and measure at once; return what was seen when everything is quiet."""
    sender = Sender(product.addresses, journal, options.seed)
    hands = Hands(product.stack.url, product.tokens, product.ids, journal)
    scene = faults.Scene(product, sender, Random(f"scene-{options.seed}"))
    able = ["redis"] * options.redis + ["disk"] * product.servers.has_disk
    strikes = faults.plan(options.seed, options.seconds, able, options.only)
    director, gauges = Director(scene, strikes), Gauges(product)
    log = wal(product)
    started = time.monotonic()
    watchers = [
        asyncio.create_task(work)
        for work in (_keep(product), gauges.run(), _progress(started, sender, gauges, say))
    ]
    try:
        async with asyncio.timeout(options.seconds + options.patience):
            await asyncio.gather(
                sender.run(made.due, started),
                hands.run(made.due, started),
                director.run(started, say),
            )
            ended = time.monotonic()
            await _drained(product)
    except TimeoutError:
        ended = time.monotonic()
        say(f"not quiet: {sender.waiting} unacknowledged, {hands.waiting} edits, {gauges.backlog}")
    last = max((one.ended for one in director.struck), default=started)
    quiet = time.monotonic()
    for watcher in watchers:
        watcher.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    sender.close()
    return Run(
        told=sender.told,
        api=hands.causes,
        edits=hands.done,
        unanswered=sender.waiting + hands.waiting,
        struck=director.struck,
        skipped=[one.name for one in faults.FAULTS if one.needs and one.needs not in able],
        started=started,
        seconds=ended - started,
        drain=quiet - max(last, started + options.seconds),
        gauges=gauges,
        wal=wal(product) - log,
    )


async def _keep(product: house.House) -> None:
    """Start servers again as soon as they died."""
    while True:
        product.servers.tick()
        await asyncio.sleep(_TICK)


async def _drained(product: house.House) -> None:
    """Wait until nothing is left in the inbox."""
    while True:
        with contextlib.suppress(Exception):
            if await asyncio.to_thread(backlog, product) == 0:
                return
        await asyncio.sleep(0.2)


async def _progress(
    started: float, sender: Sender, gauges: Gauges, say: Callable[[str], None]
) -> None:  # fmt: skip
    while True:
        await asyncio.sleep(10)
        say(
            f"{time.monotonic() - started:4.0f} s: acknowledged {sender.told.acknowledged}, "
            f"waiting {sender.waiting}, backlog {gauges.backlog}"
        )


def _judge(
    options: Options, product: house.House, made: workload.Workload, run: Run, journal: Path
) -> Report:  # fmt: skip
    names = {number: name for name, number in product.ids.items()}
    messages = [one.message for one in made.due if one.message and not one.tampered]
    with product.servers.superuser() as connection:
        kept, staged = staging.compare(connection, journal, run.told.sent, names)
        sold = sales.compare(connection, made.wanted, names)
        digests = {
            (one.till.name, staging.digest(one)): staged[one.till.name, staging.digest(one)]
            for one in messages
            if one.ends == "dead"
        }
        sales.settle(connection, sold, staging.events(messages, staged), digests, names)
        lags, attempts = figures.lags(connection), figures.attempts(connection)
        dead_rows = figures.dead_rows(connection)
    for account, token in product.tokens.items():
        sales.listed(sold, made.wanted, account, _pages(product, token))
    return build(
        options=options, made=made, run=run, kept=kept, sold=sold, lags=lags, attempts=attempts,
        dead_rows=dead_rows, verified=_verify(product), commit=_commit(), journal=journal,
    )  # fmt: skip


def _pages(product: house.House, token: str) -> list[tuple[str, str]]:
    names = {number: name for name, number in product.ids.items()}
    rows: list[tuple[str, str]] = []
    link: str | None = "/sales/?limit=500"
    while link:
        status, page = product.stack.get(link, token)
        if status != 200:
            raise RuntimeError(f"{link}: {status} {page}")
        rows += [(names.get(r["source"]["id"], "?"), r["external_id"]) for r in page["results"]]
        link = page["next"]
    return rows


def _verify(product: house.House) -> list[str]:
    """Return what the product's own checks find broken: the invariants, and a rebuild."""
    said: Any = json.loads(product.stack.manage("verify", "--full", "--json", check=False) or "{}")
    anew: Any = json.loads(product.stack.manage("rebuild", "--json", check=False) or "{}")
    found = [
        f"{check['id']}: {check['failed']} {check['examples']}"
        for check in said.get("checks", ())
        if check["state"] == "FAILED"
    ]
    found += [] if said.get("complete") else ["verify did not come to its end"]
    return found + ([] if anew.get("differs") is False else [f"rebuild differs: {anew}"[:500]])


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "?"


def to_stderr(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)
