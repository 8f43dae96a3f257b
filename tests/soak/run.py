"""One soak, from the start of the servers to the report."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.stack import ROOT

from . import house, workload
from .checker import figures, sales, staging
from .journal import Journal
from .live import Options, Say, live
from .report import Report, Run, build


def soak(options: Options, say: Say) -> Report:
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
            run = asyncio.run(live(options, product, made, journal=journal, say=say))
        finally:
            journal.close()
        say("judging")
        report = _judge(options, product, made, run, path)
        if report.broken:
            shutil.copytree(product.stack.state / "logs", folder / "logs", dirs_exist_ok=True)
            say(f"journal and logs: {folder}")
        elif options.journal is None:
            shutil.rmtree(folder)
        return report


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
