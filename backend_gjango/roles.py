"""The two database roles: the owner migrates, the application works with the least it needs.

Grants are one idempotent list, applied after every ``migrate``. Where only one role is given, the
triggers hold alone, and the system check gjango.W001 says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.conf import settings
from django.db import connection

#: Tables of which the application may do less than everything.
_LIMITED = {
    "ingest_delivery": "SELECT",  # written through stage_deliveries() alone
    "ingest_brought": "SELECT, DELETE",  # written through stage_bringing() alone
    "ingest_rejection": "SELECT, DELETE",  # written through keep_rejection() alone
    "tasks_event": "SELECT, INSERT",
    "tasks_earlierreceipt": "SELECT, INSERT",
    "tasks_attempt": "SELECT, INSERT",
    "tasks_routed": "SELECT",  # written through route_part() alone
    "django_migrations": "SELECT",
}
_FUNCTIONS = (
    "stage_deliveries(bigint[], bigint[], text[], text[], text[], bytea[], text[], bytea[], "
    "bytea[], bytea[], text[], bigint[])",
    "stage_bringing(bigint[], bigint[], text[], text[], text[], bytea[], text[], bytea[], "
    "bytea[], bytea[], text[], text[], bytea[], bigint[])",
    "brought_secrets(bigint)",
    "stage_answer(bigint, bigint, text, bytea, timestamptz, timestamptz, bigint, uuid)",
    "route_part(uuid, text, bytea)",
    "lock_app(bigint)",
    "resolve_endpoint(bytea)",
    "keep_rejection(bigint, bigint, text, text, text, text, text, bytea, bigint, bytea)",
    "expire_rejections()",
    "ensure_delivery_partitions(int)",
)


@contextmanager
def as_owner() -> Iterator[None]:
    """Use the owner's role on the same connection alias; do nothing where there is only one."""
    owner = settings.DATABASE_OWNER
    if owner is None or connection.settings_dict["USER"] == owner["USER"]:
        yield
        return
    kept = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update({key: owner[key] for key in kept})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(kept)


def grant(**_: object) -> None:
    """Give the application's role exactly what the list says. Runs as the owner."""
    owner = settings.DATABASE_OWNER
    if owner is None or connection.settings_dict["USER"] != owner["USER"]:
        return
    role = connection.ops.quote_name(settings.DATABASE_APP_ROLE)
    tables = connection.introspection.table_names()
    ours = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        for table in sorted({*ours, "django_migrations"} & set(tables)):
            rights = _LIMITED.get(table, "SELECT, INSERT, UPDATE, DELETE")
            name = connection.ops.quote_name(table)
            cursor.execute(f"REVOKE ALL ON {name} FROM {role}")
            cursor.execute(f"GRANT {rights} ON {name} TO {role}")
        if "ingest_inbox" in tables:
            for function in _FUNCTIONS:
                cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {role}")
