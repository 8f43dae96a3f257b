"""What happens at once while a soak runs: senders, people, faults, gauges."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from . import faults, house, workload
from .director import Director
from .gauges import Gauges, backlog, wal
from .hands import Hands
from .journal import Journal
from .report import Run
from .sender import Sender

Say = Callable[[str], None]
#: Seconds after the load in which everything has to be acknowledged and settled.
_PATIENCE = 240.0
_TICK, _PROGRESS = 0.1, 10.0


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


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts in a run."""

    product: house.House
    sender: Sender
    hands: Hands
    director: Director
    gauges: Gauges


async def live(
    options: Options, product: house.House, made: workload.Workload, *, journal: Journal, say: Say
) -> Run:  # fmt: skip
    """Send, strike and measure at once; return what was seen when everything is quiet."""
    sender = Sender(product.addresses, journal, options.seed)
    scene = faults.Scene(product, sender, Random(f"scene-{options.seed}"))
    able = ["redis"] * options.redis + ["disk"] * product.servers.has_disk
    cast = Cast(
        product,
        sender,
        Hands(product.stack.url, product.tokens, product.ids, journal),
        Director(scene, faults.plan(options.seed, options.seconds, able, options.only)),
        Gauges(product),
    )
    log, started = wal(product), time.monotonic()
    async with _watched(cast, started, say):
        ended = await _act(cast, made, started, limit=options.seconds + options.patience, say=say)
    quiet = time.monotonic()
    sender.close()
    last = max((one.ended for one in cast.director.struck), default=started)
    return Run(
        told=sender.told,
        api=cast.hands.causes,
        edits=cast.hands.done,
        unanswered=sender.waiting + cast.hands.waiting,
        struck=cast.director.struck,
        skipped=[one.name for one in faults.FAULTS if one.needs and one.needs not in able],
        started=started,
        clock=time.time() - time.monotonic(),
        seconds=ended - started,
        drain=quiet - max(last, started + options.seconds),
        gauges=cast.gauges,
        wal=wal(product) - log,
    )


async def _act(
    cast: Cast, made: workload.Workload, started: float, *, limit: float, say: Say
) -> float:  # fmt: skip
    """Return when all was acknowledged, after the inbox is empty or the limit (seconds) is over."""
    ended = 0.0
    try:
        async with asyncio.timeout(limit):
            await asyncio.gather(
                cast.sender.run(made.due, started),
                cast.hands.run(made.due, started),
                cast.director.run(started, say),
            )
            ended = time.monotonic()
            await _drained(cast.product)
    except TimeoutError:
        say(f"not quiet: {_state(cast)}")
    return ended or time.monotonic()


@contextlib.asynccontextmanager
async def _watched(cast: Cast, started: float, say: Say) -> AsyncIterator[None]:
    """Keep the servers alive, measure and tell while the block runs."""
    works = (_keep(cast.product), cast.gauges.run(), _progress(cast, started, say))
    watchers = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


async def _keep(product: house.House) -> None:
    """Start servers again as soon as they died."""
    while True:
        product.servers.tick()
        await asyncio.sleep(_TICK)


async def _drained(product: house.House) -> None:
    """Wait until nothing is left in the inbox; a database that is away is asked again."""
    while True:
        with contextlib.suppress(psycopg.Error):
            if await asyncio.to_thread(backlog, product) == 0:
                return
        await asyncio.sleep(2 * _TICK)


async def _progress(cast: Cast, started: float, say: Say) -> None:
    while True:
        await asyncio.sleep(_PROGRESS)
        say(f"{time.monotonic() - started:4.0f} s: {_state(cast)}")


def _state(cast: Cast) -> str:
    return (
        f"acknowledged {cast.sender.told.acknowledged}, waiting {cast.sender.waiting}, "
        f"edits waiting {cast.hands.waiting}, backlog {cast.gauges.backlog}"
    )
