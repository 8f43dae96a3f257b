"""Accounts take turns: each one's deliveries are found without passing those of all others.

Neither column ever changes, so that updates stay within their page (HOT) as before.
"""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_idempotency"), ("ingest", "0001_initial")]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="inbox",
            index=models.Index(fields=["account", "delivery"], name="ingest_inbox_turns"),
        ),
    ]
