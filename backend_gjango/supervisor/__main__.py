"""``python -m backend_gjango.supervisor``: everything in the foreground, Ctrl-C ends it."""

import argparse
import sys

from ..start import one_sentence

_HELP = """\
Starts everything in the foreground and restarts what dies: PostgreSQL and Valkey of our own (only
where DATABASE_URL and REDIS_URL are not given), receiver, API, worker and clock. Ctrl-C ends all of
it within 10 seconds, a second Ctrl-C insists.

Запускает всё на переднем плане и перезапускает то, что упало. Ctrl-C завершает всё за 10 секунд,
второй Ctrl-C настаивает."""

_MORE = """\
environment (.env in the root is read too; all of it: docs/settings.md, deploy/env.example):
  HOST, PORT                where to listen                             127.0.0.1, 8000
  GJANGO_STATE              data, keys, sockets, logs                   .state
  DATABASE_URL, REDIS_URL   servers of your own instead of ours
  DEMO=0                    no demonstration, no played providers
  GJANGO_RECEIVERS          processes of the receiver                   1
  GJANGO_API_PROCESSES      processes of the API                        1
  GJANGO_API_THREADS        threads of each                             4
  GJANGO_WORKERS            processes of the worker                     1
  GJANGO_WORKER_THREADS     threads of each                             2
The defaults fit a machine of 1 GB."""


def main() -> int:
    """Run the supervisor; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m backend_gjango.supervisor",
        description=_HELP,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quiet", action="store_true", help="only our own lines; logs to files")
    parser.add_argument("--show", action="store_true", help="print the commands and end")
    options = parser.parse_args()
    with one_sentence():
        # In here: a setting that cannot be read is told in one sentence too.
        from . import run

        return run.show() if options.show else run.run(quiet=options.quiet)


if __name__ == "__main__":
    sys.exit(main())
