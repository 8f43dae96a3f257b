"""A process of its own with the fault proxies: its bytes never wait for the senders' work.

``python -m tests.soak.network '{"postgres": "/path/of/socket"}'`` prints the ports as JSON, then
obeys lines of ``name mode`` and answers each with ``ok``. It ends with its standard input.
"""

import contextlib
import json
import subprocess
import sys

from tests.chaos import Mode, chaos


def main() -> None:
    """Serve until standard input ends."""
    with contextlib.ExitStack() as stack:
        upstreams: dict[str, str] = json.loads(sys.argv[1])
        proxies = {name: stack.enter_context(chaos(path)) for name, path in upstreams.items()}
        print(json.dumps({name: proxy.port for name, proxy in proxies.items()}), flush=True)
        for line in sys.stdin:
            name, mode = line.split()
            proxies[name].set(Mode(mode))
            print("ok", flush=True)


class Network:
    """The process, seen from the soak."""

    def __init__(self, upstreams: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.network", json.dumps(upstreams)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ports: dict[str, int] = json.loads(self._line())

    def set(self, name: str, mode: Mode) -> None:
        """Let one proxy behave so from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name} {mode}\n")
        self._process.stdin.flush()
        self._line()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the proxies' process ended")
        return line


if __name__ == "__main__":
    main()
