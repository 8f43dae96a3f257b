"""Which refund of the same fiscal receipt, from another source, counts instead."""

from typing import ClassVar

from django.db import migrations, models

#: As ``sales/recording/derive.py`` decides, for what is there already.
_COUNT = """
UPDATE sales_refund t SET mirror_of = d.first
FROM (
  SELECT s.id, x.first
  FROM sales_refund s
  JOIN accounts_source src ON src.id = s.source_id
  CROSS JOIN LATERAL (
    SELECT s.visible AND NOT s.is_test AND s.status = 'completed' AS seen
  ) v
  CROSS JOIN LATERAL (SELECT (
    SELECT o.id FROM sales_fiscal mine
    JOIN sales_fiscal theirs ON theirs.account_id = mine.account_id
      AND theirs.fn = mine.fn AND theirs.fd = mine.fd AND theirs.owner_kind = 'refund'
    JOIN sales_refund o ON o.id = theirs.owner_id AND o.source_id <> s.source_id
      AND o.visible AND NOT o.is_test AND o.status = 'completed'
    JOIN accounts_source other ON other.id = o.source_id
    WHERE mine.owner_id = s.id AND v.seen AND (-other.priority, o.id) < (-src.priority, s.id)
    ORDER BY -other.priority, o.id LIMIT 1
  ) AS first) x
) d
WHERE t.id = d.id AND t.mirror_of IS DISTINCT FROM d.first
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sales", "0004_refund_counter")]
    operations: ClassVar = [
        migrations.AddField("refund", "mirror_of", models.UUIDField("повторяет", null=True)),
        migrations.RunSQL(_COUNT, migrations.RunSQL.noop),
    ]
