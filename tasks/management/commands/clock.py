"""``manage.py clock``: sweep, partitions, everything that has a time."""

from typing import Any

from django.core.management.base import BaseCommand

from tasks.clock import run


class Command(BaseCommand):
    help = (
        "Часы: разбирают то, о чём никто не сообщил, и готовят разделы хранилища. Работает до "
        "Ctrl-C; из нескольких процессов ведёт один.\n"
        "The clock: settles what nobody woke, makes partitions ahead. Runs until Ctrl-C; one of "
        "many processes leads."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        run()
