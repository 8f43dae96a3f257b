"""Sources of apps: one address for many merchants, each a source of its own."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_idempotency")]
    operations: ClassVar = [
        migrations.AddField(
            "source", "is_app", models.BooleanField("приложение", db_default=False, default=False)
        ),
        migrations.AddField(
            "source",
            "parent",
            models.ForeignKey(
                "accounts.source",
                django.db.models.deletion.PROTECT,
                blank=True,
                editable=False,
                null=True,
                verbose_name="приложение",
            ),
        ),
        migrations.AddField(
            "source",
            "merchant",
            models.CharField(
                "аккаунт у провайдера",
                blank=True,
                default="",
                db_default="",
                editable=False,
                max_length=200,
            ),
        ),
        migrations.AddConstraint(
            "source",
            models.UniqueConstraint(
                fields=["parent", "merchant"], name="accounts_source_merchant_once"
            ),
        ),
        migrations.AddConstraint(
            "source",
            models.CheckConstraint(
                name="accounts_source_kind",
                condition=models.Q(parent=None, merchant="")
                | (models.Q(parent__isnull=False, is_app=False) & ~models.Q(merchant="")),
            ),
        ),
    ]
