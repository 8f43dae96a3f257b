"""What a provider's counter says went back of a payment, and as of when (Stripe)."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sales", "0003_reference_updated")]
    operations: ClassVar = [
        migrations.AddField(
            "payment",
            "refunded_cum",
            models.DecimalField("возвращено всего", max_digits=19, decimal_places=4, null=True),
        ),
        migrations.AddField("payment", "counted_at", models.DateTimeField("счётчик на", null=True)),
    ]
