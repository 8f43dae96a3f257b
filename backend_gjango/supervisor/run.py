"""One run, from the lock to the last goodbye."""

import contextlib
import fcntl
import os
import shlex
import sys
import time
from collections.abc import Iterator

from .. import env
from ..embedded import locked
from ..start import StartError
from . import first
from .leftovers import end_leftovers, forget_metrics
from .loop import Ending, Loop
from .output import Output
from .plan import processes, servers


def show() -> int:
    """Print the commands of our processes."""
    for part in processes():
        print(f"{part.name}: {shlex.join(part.command)}")
    return 0


def run(*, quiet: bool) -> int:
    """Run everything until asked to end; returns the exit code. Raises StartError."""
    output = Output(quiet=quiet)
    os.environ.setdefault("GJANGO_LOG", "text" if sys.stdout.isatty() else "json")
    with _alone(), locked(env.STATE, "users.lock", fcntl.LOCK_SH):
        if count := end_leftovers(env.STATE.root):
            output.say("make run", f"убрано процессов прошлого запуска / left over, ended: {count}")
        first.check_port(env.HOST, env.PORT)
        env.STATE.address.write_text(f"{env.HOST} {env.PORT}")
        forget_metrics(env.STATE.metrics, everything=True)
        loop = Loop(output)
        with loop.signals():
            try:
                loop.keep(servers())
                _live(loop)
            except Ending as ending:
                return ending.code
            finally:
                loop.end()
    return 0


def _live(loop: Loop) -> None:
    begun = time.monotonic()
    loop.start_servers()
    prepared = first.prepare()
    if loop.wait("prepare", prepared) != 0:
        raise Ending(1)
    answer = first.answer_of(prepared)
    loop.keep(processes())
    if not loop.until(lambda: bool(first.ask_ready()), 60):
        loop.output.say("make run", f"ещё не готово / not ready yet: {first.ask_ready().body}")
        loop.until(lambda: bool(first.ask_ready()))
    loop.output.plain(first.greeting(answer))
    loop.output.say("make run", f"готово за / ready in {time.monotonic() - begun:.1f} s")
    if first.wants_demo():
        if loop.wait("demo", first.demo()) == 0:
            first.demo_is_done()
            # What the demonstration had to say has moved the password out of sight.
            loop.output.plain(first.greeting(answer))
        else:
            loop.output.say("demo", "не удалось / failed: manage.py demo add")
    loop.until(lambda: False)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Be the only supervisor of this state. Raises StartError where there is another."""
    with contextlib.ExitStack() as stack:
        # Commands look at this lock for a moment: try for longer than they do.
        for attempt in range(10):
            try:
                lock = stack.enter_context(locked(env.STATE, "lock", fcntl.LOCK_EX | fcntl.LOCK_NB))
                break
            except BlockingIOError:
                if attempt == 9:
                    raise _another() from None
                time.sleep(0.05)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _another() -> StartError:
    pid = (env.STATE.root / "lock").read_text() or "?"
    return StartError(
        f"Здесь уже работает другой запуск (процесс {pid}, состояние {env.STATE.root}): завершите "
        f"его или задайте другие GJANGO_STATE и PORT. / Another one already runs here (process "
        f"{pid}, state {env.STATE.root}): end it, or set another GJANGO_STATE and PORT."
    )
