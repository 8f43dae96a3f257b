"""Idempotency keys, seen within their account only."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from accounts.rls import protect


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0002_security")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=255, verbose_name="ключ")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="содержание")),
                ("object_id", models.UUIDField(null=True, verbose_name="запись")),
                ("created_at", models.DateTimeField(db_default=Now(), verbose_name="создан")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="аккаунт",
                    ),
                ),
            ],
            options={
                "verbose_name": "ключ повтора",
                "verbose_name_plural": "ключи повтора",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["account", "key"], name="accounts_idempotency_once"
                    )
                ],
            },
        ),
        protect("accounts_idempotencykey"),
    ]
