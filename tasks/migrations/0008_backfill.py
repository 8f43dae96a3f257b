"""Walks through the lists of providers, and the sliding windows of the clock."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from accounts.rls import protect


def _owner(to: str, label: str) -> models.ForeignKey:
    return models.ForeignKey(
        to,
        django.db.models.deletion.PROTECT,
        db_constraint=False,
        db_index=False,
        verbose_name=label,
    )


_STATES = [("running", "идёт"), ("done", "закончена"), ("cancelled", "отменена")]


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_idempotency"), ("tasks", "0007_fetching")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Backfill",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account", _owner("accounts.account", "аккаунт")),
                ("source", _owner("accounts.source", "источник")),
                ("kind", models.TextField("вид")),
                ("window", models.BooleanField("скользящая", db_default=False)),
                ("since", models.DateTimeField("с")),
                ("until", models.DateTimeField("до", null=True)),
                (
                    "state",
                    models.CharField(
                        "состояние", max_length=16, choices=_STATES, default="running"
                    ),
                ),
                ("cursor", models.TextField("место", null=True)),
                ("pages", models.IntegerField("страниц", db_default=0)),
                ("staged", models.IntegerField("новых", db_default=0)),
                ("left", models.IntegerField("осталось в бюджете", null=True)),
                ("due_at", models.DateTimeField("не раньше", db_default=Now())),
                ("token", models.UUIDField("кем занято", null=True)),
                ("attempts", models.SmallIntegerField("попыток", db_default=0)),
                ("last_error", models.TextField("последняя ошибка", null=True)),
                ("created_at", models.DateTimeField("начата", db_default=Now())),
                ("changed_at", models.DateTimeField("изменена", db_default=Now())),
            ],
            options={
                "verbose_name": "загрузка прошлого",
                "verbose_name_plural": "загрузки прошлого",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["source", "kind"],
                        condition=models.Q(window=True),
                        name="tasks_backfill_window",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["source", "due_at"],
                        condition=models.Q(state="running"),
                        name="tasks_backfill_due",
                    )
                ],
            },
        ),
        protect("tasks_backfill"),
        migrations.AddField(
            "fetch", "listed", models.BooleanField("только из списка", db_default=False)
        ),
    ]
