"""Sources are seen within their account only."""

from typing import ClassVar

from django.db import migrations

from accounts.rls import protect


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0001_initial")]
    operations: ClassVar = [protect("accounts_source")]
