"""How far the examination of the invariants has come: a row for each walk."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tasks", "0005_earlier_receipts")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.TextField("строка")),
                ("part", models.SmallIntegerField("часть")),
                ("definition", models.TextField("определение", db_default="")),
                ("begin", models.JSONField("начало", null=True)),
                ("covered", models.BigIntegerField("строк до начала", db_default=0)),
                ("after", models.JSONField("после", null=True)),
                ("held", models.BooleanField("начало ждёт", db_default=False)),
                ("started_at", models.DateTimeField("проход начат", null=True)),
                ("walked", models.BigIntegerField("пройдено", db_default=0)),
                ("examined", models.BigIntegerField("проверено", db_default=0)),
                ("failed", models.BigIntegerField("нарушений", db_default=0)),
                ("examples", models.JSONField("примеры", db_default=[])),
                ("last_started_at", models.DateTimeField("последний проход начат", null=True)),
                ("finished_at", models.DateTimeField("последний проход окончен", null=True)),
                ("last_examined", models.BigIntegerField("проверено за него", db_default=0)),
                ("last_failed", models.BigIntegerField("нарушений за него", db_default=0)),
                ("last_examples", models.JSONField("его примеры", db_default=[])),
            ],
            options={
                "verbose_name": "проверка",
                "verbose_name_plural": "проверки",
                "constraints": [
                    models.UniqueConstraint(fields=["line", "part"], name="tasks_verification_once")
                ],
            },
        ),
    ]
