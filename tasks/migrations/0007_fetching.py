"""What a pending read has to know: what the events said, whose lease it is, when it is repeated."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ingest", "0003_answers"), ("tasks", "0006_verification")]
    operations: ClassVar = [
        migrations.AddField("fetch", "over", models.BigIntegerField("поверх", null=True)),
        migrations.AddField("fetch", "deleted", models.BooleanField("удалён", db_default=False)),
        migrations.AddField("fetch", "settle", models.FloatField("перечитать через", null=True)),
        migrations.AddField("fetch", "token", models.UUIDField("кем занято", null=True)),
        migrations.AddField(
            "fetch", "lagged", models.SmallIntegerField("отставших ответов", db_default=0)
        ),
        migrations.AddIndex(
            "fetch", models.Index(fields=["source", "due_at"], name="tasks_fetch_due")
        ),
    ]
