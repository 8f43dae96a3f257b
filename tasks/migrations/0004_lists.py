"""Lists of events and dead letters read one account's newest rows by an index."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tasks", "0003_replay")]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["account", "-id"], name="tasks_attempt_newest"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                fields=["account", "-id"],
                condition=models.Q(outcome__in=("dead", "fetching", "unsupported")),
                name="tasks_attempt_rare",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                fields=["account", "-id"],
                condition=models.Q(closed_at=None),
                name="tasks_deadletter_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                fields=["account", "-id"],
                condition=models.Q(closed_at__isnull=False),
                name="tasks_deadletter_closed",
            ),
        ),
    ]
