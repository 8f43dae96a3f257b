#!/usr/bin/env python
"""Django's command line, in the environment of ``make run`` (also while it runs)."""

import contextlib
import os
import sys

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


def main() -> int:
    """Run one command, with the embedded PostgreSQL under it where no DATABASE_URL is given."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_gjango.settings")
    from backend_gjango import env
    from backend_gjango.embedded import EmbeddedError, running_postgres

    needed = env.EMBEDDED_DATABASE and len(sys.argv) > 1 and sys.argv[1] not in _WITHOUT_DATABASE
    try:
        with running_postgres(env.STATE) if needed else contextlib.nullcontext():
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except (EmbeddedError, env.SettingMissing) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
