"""``make run``: comes up, restarts what dies, ends in order, leaves nothing, starts again."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .stack import ROOT, Stack

#: What the promise says: Ctrl-C ends all of it within ten seconds.
_LIMIT = 10


@pytest.fixture
def stack() -> Iterator[Stack]:
    one = Stack()
    yield one
    if one.supervisor is not None and one.supervisor.poll() is None:
        one.supervisor.kill()
        one.supervisor.wait()
    _until(lambda: not _kill(_left(one), signal.SIGKILL), 20)
    one.remove()


def _left(stack: Stack) -> list[int]:
    """Return the pids that carry this state in their environment or their command."""
    return stack.processes("")


def _kill(pids: list[int], number: int) -> list[int]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return pids


def _until(holds: Callable[[], bool], limit: float = 30) -> None:
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_everything_comes_up_and_ctrl_c_leaves_nothing_behind(stack: Stack) -> None:
    stack.start()
    _until(lambda: "ready in" in stack.console())
    greeting = stack.console()
    status, told = stack.get("/ready")
    second = _start_again(stack)

    begun = time.monotonic()
    code = stack.stop(_LIMIT)

    assert (status, told["reasons"], told["warnings"]) == (200, [], [])
    assert "owner · " in greeting
    assert f"{stack.url}/продажи/" in greeting
    assert (second.returncode, len(second.stderr.splitlines())) == (1, 1)
    assert str(stack.state) in second.stderr
    assert code == 0
    assert time.monotonic() - begun < _LIMIT
    assert _left(stack) == []
    secrets = stack.state / "logs"
    password = greeting.partition("owner · ")[2].split()[0]
    assert not [log for log in secrets.iterdir() if password in log.read_text(errors="replace")]


def _start_again(stack: Stack) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend_gjango.supervisor"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_database_that_cannot_be_reached_is_one_sentence() -> None:
    stack = Stack(
        {
            "DATABASE_URL": "postgresql://app:s3cr3t@127.0.0.1:9/sales",
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "DJANGO_SECRET_KEY": "x" * 50,
            "GJANGO_KEYS": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
        }
    )

    done = _start_again(stack)
    stack.remove()

    assert done.returncode == 1
    assert "DATABASE_URL" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr


@pytest.mark.slow
def test_whatever_is_killed_comes_back(stack: Stack) -> None:
    stack.start()

    for word in ("granian", "gunicorn", "dramatiq", "manage.py clock", "valkey-server", "-D "):
        before = set(stack.processes(word))
        assert before, word
        stack.kill(word)
        _until(lambda word=word, before=before: bool(set(stack.processes(word)) - before))  # type: ignore[misc]
        _until(lambda: stack.get("/ready")[0] == 200)

    assert stack.stop(_LIMIT) == 0
    assert _left(stack) == []


@pytest.mark.slow
def test_one_killed_child_of_a_server_does_not_stop_the_service(stack: Stack) -> None:
    stack.start()

    for word in ("granian", "gunicorn", "dramatiq"):
        children = stack.processes(word)[1:]
        assert children, word
        _kill(children[-1:], signal.SIGKILL)
        _until(lambda word=word: len(stack.processes(word)) > 1)  # type: ignore[misc]
        _until(lambda: stack.get("/ready")[0] == 200)


@pytest.mark.slow
def test_a_killed_supervisor_takes_everything_with_it(stack: Stack) -> None:
    stack.start()
    assert stack.supervisor is not None

    stack.supervisor.kill()
    stack.supervisor.wait()

    _until(lambda: _left(stack) == [])


@pytest.mark.slow
def test_after_kill_9_of_all_the_next_start_loses_nothing(stack: Stack) -> None:
    stack.start()
    token = stack.manage_json("token", "add", "--account", "kept", "--role", "owner")["token"]
    assert stack.supervisor is not None

    for _ in range(3):
        stack.supervisor.kill()
        _kill(_left(stack), signal.SIGKILL)
        stack.supervisor.wait()
        # At once: what was killed may still hold its files and its port.
        stack.start()

        assert stack.get("/sales/", token)[0] == 200
    assert "owner · " not in stack.console().rpartition("Готово")[2]


@pytest.mark.slow
def test_the_workers_of_killed_masters_do_not_hold_the_port_against_the_next_start(
    stack: Stack,
) -> None:
    stack.start()
    assert stack.supervisor is not None
    masters = [stack.processes(word)[0] for word in ("granian", "gunicorn", "dramatiq")]

    # Stopped first, so that no master hears of the supervisor's death.
    _kill(masters, signal.SIGSTOP)
    stack.supervisor.kill()
    _kill(masters, signal.SIGKILL)
    stack.supervisor.wait()
    assert stack.processes("granian")
    stack.start()

    assert stack.get("/ready")[0] == 200


@pytest.mark.slow
def test_a_crashs_pid_file_does_not_stop_the_next_start(stack: Stack) -> None:
    stack.start()
    assert stack.stop() == 0
    pid_file = stack.state / "postgres" / "postmaster.pid"

    for left in ("", f"{os.getpid()}\n{stack.state}/postgres\n1\n5432\n\n\n\nready\n", "999999\n"):
        pid_file.write_text(left)
        shutil.chown(pid_file, pid_file.parent.owner())
        stack.start()
        assert stack.stop() == 0


@pytest.mark.slow
def test_runserver_works_alone_and_leaves_nothing(stack: Stack) -> None:
    stack.manage("migrate")
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", str(stack.port)],
        cwd=ROOT,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def is_live() -> bool:
        with contextlib.suppress(OSError):
            return stack.get("/live")[0] == 200
        return False

    _until(is_live)
    os.killpg(server.pid, signal.SIGINT)

    server.wait(_LIMIT)
    _until(lambda: _left(stack) == [], _LIMIT)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fresh_copy_runs_with_make_as_an_ordinary_user_in_a_cyrillic_path(tmp_path: Path) -> None:
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv (util-linux) to become another user")
    nobody = pwd.getpwnam("nobody")
    home = Path("/tmp") / f"касса {os.getpid()}"
    code = home / "мои продажи"
    shutil.copytree(
        ROOT,
        code,
        ignore=shutil.ignore_patterns(".state", ".git", ".*_cache", "__pycache__", ".env"),
        symlinks=True,
    )
    for folder, _, files in os.walk(home):
        for name in (".", *files):
            os.chown(Path(folder, name), nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    given = {"PATH": os.environ["PATH"], "HOME": str(home), "DEMO": "0", "PORT": str(Stack().port)}
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    probe = subprocess.run([*become, sys.executable, "-c", ""], capture_output=True, check=False)
    if probe.returncode != 0:
        shutil.rmtree(home)
        pytest.skip("this Python cannot be read by an ordinary user")

    log = tmp_path / "console.log"
    with log.open("wb") as output:
        run = subprocess.Popen(
            [*become, "make", "run"],
            cwd=code,
            env=given,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _until(lambda: "Готово / ready" in log.read_text() or run.poll() is not None, 300)
        assert run.poll() is None, log.read_text()[-2000:]
        assert (code / ".state" / "run").stat().st_uid == nobody.pw_uid
        os.killpg(run.pid, signal.SIGINT)
        run.wait(_LIMIT + 2)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        shutil.rmtree(home, ignore_errors=True)
