"""The loop: everything kept alive until somebody asks for the end, then ended in order."""

import contextlib
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

from .. import env
from ..embedded.processes import START_LIMIT, did_not_start
from .keeper import Keeper, end_group, ended
from .leftovers import end_leftovers, forget_metrics
from .output import Output
from .plan import Part, log_of

#: How often output is shown when nothing happens, in seconds.
_TICK = 0.2
#: So many deaths in a row before the first answer: it cannot start at all.
_HOPELESS = 6


class Ending(Exception):
    """Somebody asked for the end, or what failed has said why: the exit code."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


class Loop:
    """Keepers, signals and output of one supervisor."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.keepers: list[Keeper] = []
        self._asked = 0
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Hear SIGINT, SIGTERM, SIGHUP and the end of children while this lasts."""
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)

    def _ask(self, *_: object) -> None:
        self._asked += 1

    def keep(self, parts: Sequence[Part]) -> None:
        """Keep these alive from the next tick on."""
        for part in parts:
            if part.answers is None:  # what the servers say is for their files
                self.output.follow(part.name, log_of(env.STATE, part.name))
            self.keepers.append(Keeper(part, self.output.say))

    def until(self, done: Callable[[], bool], limit: float = float("inf")) -> bool:
        """Run until ``done()``; False after ``limit`` seconds. Raises Ending when asked to end."""
        deadline = time.monotonic() + limit
        while not done():
            if time.monotonic() > deadline:
                return False
            self._tick()
        return True

    def _tick(self) -> None:
        if self._asked or self.output.closed:
            raise Ending
        deaths = sum(keeper.deaths for keeper in self.keepers)
        for keeper in self.keepers:
            keeper.tick(time.monotonic())
        if deaths != sum(keeper.deaths for keeper in self.keepers):
            forget_metrics(env.STATE.metrics)
        self.pause()

    def pause(self, limit: float = _TICK) -> None:
        """Wait for a signal or the next tick, and show what was said."""
        if select.select([self._wake], [], [], limit)[0]:
            self._wake.recv(4096)
        self.output.pump()

    def answering(self) -> bool:
        """Say whether all servers answer. Raises EmbeddedError where one cannot start."""
        for keeper in self.keepers:
            if keeper.deaths >= _HOPELESS:
                raise did_not_start(env.STATE, f"{keeper.part.name}.log")
        return all(keeper.is_up() for keeper in self.keepers)

    def start_servers(self) -> None:
        """Wait until the servers answer. Raises EmbeddedError after a minute."""
        if not self.until(self.answering, START_LIMIT):
            late = next(keeper for keeper in self.keepers if not keeper.is_up())
            raise did_not_start(env.STATE, f"{late.part.name}.log")

    def wait(self, name: str, process: subprocess.Popen[bytes]) -> int:
        """Wait for one command to end and return its code; ends it where we are to end."""
        self.output.follow(name, log_of(env.STATE, name), always=True)
        try:
            self.until(lambda: ended(process) is not None)
        except Ending:
            end_group(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + 1
            while ended(process) is None:
                self.pause(0.05)
                if time.monotonic() > deadline:
                    end_group(process.pid, signal.SIGKILL)
            raise
        self.output.pump()
        return process.returncode

    def end(self) -> None:
        """End everything, stage by stage; a second request insists."""
        if self.keepers:
            self.output.say("make run", "завершение / ending")
        patient = self._asked
        for stage in sorted({keeper.part.stage for keeper in self.keepers}):
            self._end_stage([k for k in self.keepers if k.part.stage == stage], patient)
        end_leftovers(env.STATE.root)
        self.output.pump()

    def _end_stage(self, keepers: Sequence[Keeper], patient: int) -> None:
        for keeper in keepers:
            keeper.ask_to_end()
        begun = time.monotonic()
        while living := [keeper for keeper in keepers if not keeper.is_gone()]:
            for keeper in living:
                late = time.monotonic() - begun - keeper.part.limit
                if late > 1:
                    end_group(keeper.process.pid, signal.SIGKILL) if keeper.process else None
                elif late > 0 or self._asked > patient:
                    keeper.insist()
            self.pause(0.05)
