"""Several of the product's own commands in one process: a start of Django each would be slow.

``python -m tests.soak.connect '[["token", "add", …], …]'`` prints the JSON of each on a line.
"""

import json
import sys

import django


def main() -> None:
    """Run the commands of the first argument, in order."""
    django.setup()
    from django.core.management import call_command

    for command in json.loads(sys.argv[1]):
        call_command(*command, "--json")


if __name__ == "__main__":
    main()
