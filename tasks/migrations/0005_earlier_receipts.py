"""Receipts that the ledger, which is only inserted into, does not tell."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

from accounts.rls import protect


def _owner(to: str, label: str) -> models.ForeignKey:
    return models.ForeignKey(
        to,
        django.db.models.deletion.PROTECT,
        db_constraint=False,
        db_index=False,
        verbose_name=label,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_idempotency"), ("tasks", "0004_lists")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="EarlierReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account", _owner("accounts.account", "аккаунт")),
                ("source", _owner("accounts.source", "источник")),
                ("key", models.TextField("ключ")),
                ("sha256", models.BinaryField("содержание", max_length=32)),
                ("delivery_id", models.UUIDField("доставка")),
            ],
            options={
                "verbose_name": "более раннее получение",
                "verbose_name_plural": "более ранние получения",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["account", "source", "key", "sha256", "delivery_id"],
                        name="tasks_earlierreceipt_once",
                    )
                ],
            },
        ),
        protect("tasks_earlierreceipt"),
    ]
