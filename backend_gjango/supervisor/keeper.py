"""One process kept alive: started, watched, its rest ended, started again, stopped."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable

from .. import env
from ..embedded.processes import last_line
from .backoff import Backoff
from .plan import Part, log_of

#: How often a server that is not our child is asked whether it still lives, in seconds.
_ASK_AGAIN = 1.0


class Keeper:
    """Keeps one part alive. ``tick`` is called often and never waits."""

    def __init__(self, part: Part, say: Callable[[str, str], None]) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.adopted = False
        self.deaths = 0
        self._say = say
        self._due = 0.0
        self._started = 0.0
        self._backoff = Backoff()

    def tick(self, now: float) -> None:
        """Start what is due, notice what ended. Raises StartError where it cannot start at all."""
        if self.process is not None:
            if (code := ended(self.process)) is not None:
                self._buried(code, now)
        elif now >= self._due:
            self._start(now)

    def is_up(self) -> bool:
        """Say whether it runs, and answers where it can be asked."""
        if self.part.answers is not None:
            return self.part.answers()
        return self.process is not None

    def ask_to_end(self) -> None:
        """Send the polite signal to the process itself: it ends its own children."""
        self._send(self.part.goodbye)

    def insist(self) -> None:
        """Send what cannot be waited out to the whole group."""
        if self.process is not None:
            end_group(self.process.pid, self.part.insist)

    def is_gone(self) -> bool:
        """Say whether it ended; ends what is left of its group then."""
        if self.process is None or ended(self.process) is not None:
            self.process = None
            return True
        return False

    def _start(self, now: float) -> None:
        if self.part.answers is not None and self.part.answers():
            if not self.adopted:
                self._say(self.part.name, "уже отвечает / answers already")
            self.adopted, self._due = True, now + _ASK_AGAIN
            return
        self.adopted = False
        try:
            self.process = self.part.spawn()
        except BlockingIOError:  # the one before still writes its files
            self._due = now + _ASK_AGAIN / 4
            return
        self._started = now
        self._say(self.part.name, f"запущен / started, pid {self.process.pid}")

    def _buried(self, code: int, now: float) -> None:
        self.process, self.deaths = None, self.deaths + 1
        wait = self._backoff.after(now - self._started)
        self._due = now + wait
        said = f"закончился / ended ({_reason(code)}), снова через / again in {wait:g} s"
        self._say(self.part.name, f"{said} {self._last_word()}")

    def _last_word(self) -> str:
        # Of our own processes everything is shown anyway.
        if self.part.answers is None:
            return ""
        return last_line(log_of(env.STATE, self.part.name))

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)


def ended(process: subprocess.Popen[bytes]) -> int | None:
    """Return the exit code of what ended, None while it runs; its group is killed first.

    Servers leave their own children behind when they are killed. The group is looked for before
    the leader is reaped: until then nobody else can get its number.
    """
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    with contextlib.suppress(ChildProcessError):
        if os.waitid(os.P_PID, process.pid, options) is None:
            return None
        end_group(process.pid, signal.SIGKILL)
    return process.wait()


def end_group(group: int, number: signal.Signals) -> None:
    """Send a signal to all of a process group, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _reason(code: int) -> str:
    return f"код / code {code}" if code >= 0 else signal.Signals(-code).name
