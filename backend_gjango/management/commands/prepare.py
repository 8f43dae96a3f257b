"""``prepare``: what the database needs before the processes start. Safe to repeat."""

import json
import secrets
import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from backend_gjango import env
from backend_gjango.embedded import make_roles
from backend_gjango.roles import as_owner

#: Months of partitions made ahead.
_AHEAD = 2
OWNER = "owner"


class Command(BaseCommand):
    help = (
        "Готовит базу: миграции, разделы хранилища; --owner: владелец на пустой базе. / "
        "Prepares the database: migrations, partitions; --owner: an owner where nobody is."
    )
    # Migrate runs them, with the database's own ones.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--owner", action="store_true", help="make a superuser where none is")
        parser.add_argument("--json", action="store_true", help="one JSON line on stdout")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Migrate, make partitions; on request make the first owner and print the password."""
        if env.EMBEDDED_DATABASE:
            make_roles(env.STATE)
        call_command("migrate", skip_checks=False, interactive=False, stdout=sys.stderr)
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("SELECT ensure_delivery_partitions(%s)", [_AHEAD])
        password = first_owner() if options["owner"] else None
        if options["json"]:
            self.stdout.write(json.dumps({"owner": OWNER, "password": password}))
        elif password:
            self.stdout.write(f"{OWNER}: {password}")


def first_owner() -> str | None:
    """Make a superuser on an empty database; return its password, None where users exist."""
    users = get_user_model()._default_manager
    if users.exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser(username=OWNER, password=password)
    return password
