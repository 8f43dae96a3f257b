"""``migrate`` as the owner of the tables."""

from typing import Any

from django.core.management.commands import migrate

from backend_gjango.roles import as_owner


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate with the owner's role where DATABASE_OWNER_URL gives one."""
        with as_owner():
            super().handle(*args, **options)
