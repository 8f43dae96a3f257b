"""An index of the dead attempts alone: verify walks over them, however many others there are."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tasks", "0009_apps")]
    operations: ClassVar = [
        migrations.AddIndex(
            "attempt",
            models.Index(
                fields=["id"], condition=models.Q(outcome="dead"), name="tasks_attempt_dead"
            ),
        ),
    ]
