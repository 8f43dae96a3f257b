"""Events, attempts, dead letters and reads are seen within their account only."""

from typing import ClassVar

from django.db import migrations

from accounts.rls import protect


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tasks", "0001_initial")]
    operations: ClassVar = [
        protect("tasks_event", "tasks_attempt", "tasks_deadletter", "tasks_fetch"),
    ]
