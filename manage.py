#!/usr/bin/env python
"""Django's command line, in the environment of ``make run`` (also while it runs)."""

import contextlib
import os
import sys

from backend_gjango.start import one_sentence

#: Commands that need no database at all.
_WITHOUT_DATABASE = {
    "help",
    "version",
    "--help",
    "-h",
    "--version",
    "collectstatic",
    "makemessages",
}


def main() -> None:
    """Run one command, with the embedded PostgreSQL under it where no DATABASE_URL is given."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_gjango.settings")
    with one_sentence():
        from backend_gjango import env
        from backend_gjango.embedded import running_postgres

        needed = env.EMBEDDED_DATABASE and not _WITHOUT_DATABASE.issuperset(sys.argv[1:2])
        with running_postgres(env.STATE) if needed else contextlib.nullcontext():
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
