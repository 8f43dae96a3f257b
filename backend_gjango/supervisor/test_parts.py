"""The small parts of the supervisor, one by one."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest

from ..embedded import State
from ..start import StartError
from . import first
from .backoff import MOST, STEADY, Backoff
from .keeper import Keeper, ended
from .leftovers import end_leftovers, forget_metrics, leftovers
from .output import Output
from .plan import MARK, Part


def test_waits_double_up_to_a_bound_and_a_steady_life_forgives() -> None:
    backoff = Backoff()

    waits = [backoff.after(0) for _ in range(8)]

    assert waits[:4] == [0.2, 0.4, 0.8, 1.6]
    assert waits[-1] == MOST
    assert backoff.after(STEADY) == 0.2


def test_a_port_in_use_is_refused_and_a_free_one_passes() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StartError, match=f"PORT={port}"):
            first.check_port("127.0.0.1", port)

    first.check_port("127.0.0.1", port)
    with pytest.raises(StartError, match=r"HOST=no\.such\.host\.invalid"):
        first.check_port("no.such.host.invalid", 0)


def test_lines_are_shown_whole_with_their_name(tmp_path: Path) -> None:
    log, stream = tmp_path / "api.log", StringIO()
    log.write_text("before\n")
    output = Output(stream)
    output.follow("api", log)

    with log.open("a") as file:
        file.write("one\nтри")
        file.flush()
        output.pump()
        file.write("ста\n")
    output.pump()

    shown = [line.partition("| ")[2] for line in stream.getvalue().splitlines()]
    assert shown == ["one", "триста"]


def test_a_large_log_is_set_aside_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend_gjango.supervisor.output.LOG_LIMIT", 10)
    log, stream = tmp_path / "api.log", StringIO()
    output = Output(stream)
    output.follow("api", log)

    with log.open("a") as file:
        for word in ("first line", "second line"):
            file.write(f"{word}\n")
            file.flush()
            output.pump()

    assert Path(f"{log}.1").read_text() == "second line\n"
    assert log.stat().st_size == 0
    assert "first line" in stream.getvalue()
    assert "second line" in stream.getvalue()


def test_a_reader_that_went_away_ends_the_run_without_an_error() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        output = Output(stream)

        output.say("api", "x")

        assert output.closed
        with pytest.raises(BrokenPipeError):
            stream.close()


def _sleeper(
    code: str = "import time; time.sleep(60)", **environment: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        start_new_session=True,
        env={"PATH": os.environ["PATH"], **environment},
    )


def _wait_ended(process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 10
    while (code := ended(process)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return code


def test_what_a_dead_master_leaves_in_its_group_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    master = _sleeper(
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)"
    )
    deadline = time.monotonic() + 10
    while not pid_file.exists() or not pid_file.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = Path(f"/proc/{pid_file.read_text()}")

    master.kill()

    assert _wait_ended(master) == -signal.SIGKILL
    while child.exists() and "Z" not in (child / "stat").read_text().rpartition(")")[2].split()[0]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_leftovers_of_this_state_are_found_and_ended_and_others_are_not(tmp_path: Path) -> None:
    ours = _sleeper(**{MARK: str(tmp_path)})
    stubborn = _sleeper(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
        **{MARK: str(tmp_path)},
    )
    other = _sleeper(**{MARK: f"{tmp_path}/another"})

    try:
        deadline = time.monotonic() + 10
        while set(leftovers(tmp_path)) != {ours.pid, stubborn.pid}:
            assert time.monotonic() < deadline
            time.sleep(0.02)

        assert end_leftovers(tmp_path) == 2
        assert (ours.wait(5), stubborn.wait(5)) < (0, 0)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_gauges_of_the_dead_are_forgotten_and_counters_kept(tmp_path: Path) -> None:
    gone = _sleeper("pass")
    gone.wait()
    names = [f"gauge_livesum_{gone.pid}.db", f"gauge_livesum_{os.getpid()}.db", "counter_1.db"]
    for name in names:
        (tmp_path / name).touch()

    forget_metrics(tmp_path)
    left = {file.name for file in tmp_path.iterdir()}
    forget_metrics(tmp_path, everything=True)

    assert left == set(names[1:])
    assert not list(tmp_path.iterdir())


def test_a_keeper_starts_again_what_died_and_waits_longer_each_time() -> None:
    said: list[str] = []
    part = Part(name="x", spawn=lambda: _sleeper("pass"), stage=0, limit=1)
    keeper = Keeper(part, lambda _name, text: said.append(text))
    now = 0.0

    while keeper.deaths < 3:
        keeper.tick(now)
        if keeper.process is not None:
            _wait_ended(keeper.process)
        now += 0.1

    waits = [text.rpartition("again in ")[2].strip() for text in said if "ended" in text]
    assert waits == ["0.2 s", "0.4 s", "0.8 s"]


def test_a_server_that_answers_already_is_used_and_replaced_when_it_falls_silent() -> None:
    answers = [True]
    spawned: list[subprocess.Popen[bytes]] = []

    def spawn() -> subprocess.Popen[bytes]:
        spawned.append(_sleeper())
        return spawned[-1]

    part = Part(name="x", spawn=spawn, stage=0, limit=1, answers=lambda: answers[0])
    keeper = Keeper(part, lambda _name, _text: None)

    keeper.tick(0)
    assert keeper.adopted
    assert not spawned
    answers[0] = False
    keeper.tick(0.5)
    assert not spawned
    keeper.tick(2)
    assert len(spawned) == 1

    spawned[0].kill()
    spawned[0].wait()


def test_the_address_is_told_while_a_run_is_at_work_and_not_when_it_was_killed(
    tmp_path: Path,
) -> None:
    state = State(tmp_path)
    assert state.listening() is None

    state.address.write_text("127.0.0.2 8100")
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        at_work = state.listening()

    assert at_work == ("127.0.0.2", 8100)
    assert state.listening() is None
