"""What changed since, of products, customers and locations: by index, as for sales."""

from typing import ClassVar

from django.db import migrations, models


def _index(table: str) -> migrations.AddIndex:
    fields = ["account", "updated_at", "id"]
    return migrations.AddIndex(table, models.Index(fields=fields, name=f"sales_{table}_updated"))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sales", "0002_security")]
    operations: ClassVar = [_index("customer"), _index("location"), _index("product")]
