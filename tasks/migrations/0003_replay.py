"""Replays as rows: a run outlives the process that began it."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tasks", "0002_security")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Replay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("filter", models.JSONField("отбор", default=dict)),
                ("cause", models.TextField("кем начат", default="")),
                (
                    "state",
                    models.CharField(
                        "состояние",
                        max_length=16,
                        choices=[
                            ("running", "идёт"),
                            ("done", "закончен"),
                            ("cancelled", "отменён"),
                        ],
                        default="running",
                    ),
                ),
                ("total", models.IntegerField("всего", null=True)),
                ("done", models.IntegerField("разобрано", default=0)),
                ("outcomes", models.JSONField("исходы", default=dict)),
                ("after", models.UUIDField("после")),
                ("upto", models.UUIDField("до", null=True)),
                ("due_at", models.DateTimeField("не раньше", db_default=Now())),
                ("created_at", models.DateTimeField("начат", db_default=Now())),
                ("changed_at", models.DateTimeField("изменён", db_default=Now())),
            ],
            options={
                "verbose_name": "повторный разбор",
                "verbose_name_plural": "повторные разборы",
            },
        ),
    ]
