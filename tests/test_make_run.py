"""``make run``: comes up, restarts what dies, ends in order, leaves nothing, starts again."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from .stack import ROOT, Stack, free_port

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


def _is_ready(stack: Stack) -> bool:
    with contextlib.suppress(OSError):
        return bool(stack.get("/ready")[0] == 200)
    return False


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
def test_a_recorded_day_of_every_provider_becomes_sales_and_another_window_knows_the_address(
    stack: Stack,
) -> None:
    stack.environment["DEMO"] = "1"
    stack.start()
    _until((stack.state / "demo.done").exists, 120)
    del stack.environment["PORT"]

    sources = {one["id"]: one["provider"] for one in stack.manage_json("source", "list")["sources"]}
    token = stack.manage_json("token", "add", "--account", "demo", "--role", "analyst")["token"]
    found = stack.get(f"/{quote('продажи')}/?limit=500", token)[1]
    source = stack.manage_json("source", "add", "standard", "--account", "shop")

    assert {one["source"]["provider"] for one in found["results"]} == {*sources.values()}
    assert sources
    assert source["url"].startswith(f"{stack.url}/hooks/")


@pytest.mark.slow
def test_whatever_is_killed_comes_back(stack: Stack) -> None:
    stack.start()

    for word in ("granian", "gunicorn", "dramatiq", "manage.py clock", "valkey-server", "-D "):
        before = set(stack.processes(word))
        assert before, word
        stack.kill(word)
        _until(lambda word=word, before=before: bool(set(stack.processes(word)) - before))  # type: ignore[misc]
        _until(lambda: _is_ready(stack))

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
        _until(lambda: _is_ready(stack))


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
    stack.manage("source", "add", "standard", "--account", "kept")
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

    _until(lambda: _is_ready(stack))
    os.killpg(server.pid, signal.SIGINT)

    server.wait(_LIMIT)
    _until(lambda: _left(stack) == [], _LIMIT)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fresh_copy_runs_with_make_as_an_ordinary_user_in_a_cyrillic_path(tmp_path: Path) -> None:
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if os.getuid() != 0 or not shutil.which("setpriv") or python is None:
        pytest.skip("needs root, setpriv (util-linux) and a python3 that all users can run")
    port, log = str(free_port()), tmp_path / "console.log"

    with _copy_of_nobody() as code:
        given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(code), "PORT": port}
        run = _as_nobody("make", "run", code=code, given={**_PIP, **given, "DEMO": "0"}, log=log)
        _until(lambda: "Готово / ready" in log.read_text() or run.poll() is not None, 400)
        assert run.poll() is None, log.read_text()[-2000:]
        owner = (code / ".state" / "run").stat().st_uid
        os.killpg(run.pid, signal.SIGINT)
        run.wait(_LIMIT + 2)

        assert owner == pwd.getpwnam("nobody").pw_uid
        assert not [pid for pid in _uses(code) if pid != os.getpid()]


#: How this machine's pip reaches its index, where its owner said so.
_PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


@contextlib.contextmanager
def _copy_of_nobody() -> Iterator[Path]:
    home = Path(tempfile.gettempdir()) / f"касса {os.getpid()}"
    home.mkdir(mode=0o755)
    code = home / "мои продажи"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    try:
        for name in filter(None, names):
            (code / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                shutil.copy(ROOT / name, code / name)
        for folder, _, files in os.walk(home):
            for name in (".", *files):
                shutil.chown(Path(folder, name), "nobody", pwd.getpwnam("nobody").pw_gid)
        yield code
    finally:
        for pid in _uses(code):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(home, ignore_errors=True)


def _uses(code: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(code).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def _as_nobody(
    *command: str, code: Path, given: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    user = pwd.getpwnam("nobody")
    become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    drop = ("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--")
    with log.open("wb") as output:
        return subprocess.Popen(
            [*become, *drop, *command],
            cwd=code,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@pytest.mark.slow
def test_a_second_ctrl_c_insists_where_a_process_does_not_listen(stack: Stack) -> None:
    stack.start()
    assert stack.supervisor is not None
    _kill([stack.processes(word)[0] for word in ("gunicorn", "dramatiq")], signal.SIGSTOP)

    stack.supervisor.send_signal(signal.SIGINT)
    _until(lambda: "ending" in stack.console())
    begun = time.monotonic()
    stack.supervisor.send_signal(signal.SIGINT)

    assert stack.supervisor.wait(_LIMIT) == 0
    assert time.monotonic() - begun < 6
    assert _left(stack) == []
