"""Pure adapters, one folder per provider. Plain Python: no Django, no database, no network."""
