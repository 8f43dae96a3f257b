"""Deliveries that came through an app say so by their origin."""

from typing import ClassVar

from django.db import migrations, models

_ORIGINS = (
    ("push", "прислано"),
    ("fetched", "запрошено"),
    ("backfill", "загружено"),
    ("file", "файл"),
    ("manual", "вручную"),
    ("routed", "от приложения"),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ingest", "0004_rejections")]
    operations: ClassVar = [
        migrations.AlterField(
            "delivery",
            "origin",
            models.CharField("происхождение", choices=_ORIGINS, default="push", max_length=16),
        ),
    ]
