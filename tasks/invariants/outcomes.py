"""I3 and I9: every event has one outcome, and nothing waits for ever."""

from tasks.models import Outcome

from .base import Check, Walk, old, unique

#: Runs of one event, and the age in seconds beyond which a due delivery is late.
MOST_ATTEMPTS = 5
LATE = 60

_REPLAY = "manage.py replay"
_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in Outcome.values)
_ATTEMPTED = "EXISTS (SELECT FROM tasks_attempt a WHERE a.delivery_id = b.id)"


CHECKS = (
    Check(
        id="I3.settled",
        title="каждая доставка разобрана или ждёт / every delivery is pending or was attempted",
        advice=f"разберите снова: {_REPLAY} --help / settle them again",
        parts=(
            Walk(
                table="ingest_delivery",
                # One that still waits may yet be lost: only an attempt is for ever.
                final=f"{old('received_at')} AND {_ATTEMPTED}",
                broken=f"""
                    SELECT b.id::text AS what FROM batch b
                    WHERE NOT EXISTS (SELECT FROM ingest_inbox i WHERE i.delivery_id = b.id)
                      AND NOT {_ATTEMPTED}
                """,  # noqa: S608
            ),
        ),
    ),
    Check(
        id="I3.outcomes",
        title="у каждого события есть исход / every event has an outcome of the vocabulary",
        advice=f"разберите доставку снова: {_REPLAY} --help / settle the delivery again",
        parts=(
            Walk(
                table="tasks_event",
                final=old("created_at"),
                broken="""
                    SELECT b.delivery_id || ' ' || b.key AS what FROM batch b
                    WHERE NOT EXISTS (SELECT FROM tasks_attempt a
                                      WHERE a.delivery_id = b.delivery_id AND a.key = b.key)
                """,
            ),
            Walk(
                table="tasks_attempt",
                final=old("created_at"),
                broken=f"SELECT b.delivery_id || ' ' || b.outcome AS what FROM batch b"  # noqa: S608
                f" WHERE b.outcome NOT IN ({_OUTCOMES})",
            ),
        ),
    ),
    Check(
        id="I3.ledger",
        title="событие записано один раз / one row per event key and content",
        advice="удалите повторы и верните ограничение tasks_event_once / drop the doubles and"
        " restore the constraint",
        parts=(
            # The walk sees the rows of today, this one those of tomorrow.
            unique("tasks_event_once"),
            Walk(
                table="tasks_event",
                final=old("created_at"),
                broken="""
                    SELECT b.key AS what FROM batch b WHERE EXISTS (
                      SELECT FROM tasks_event e
                      WHERE e.account_id = b.account_id AND e.source_id = b.source_id
                        AND e.key = b.key AND e.sha256 = b.sha256 AND e.id < b.id)
                """,
            ),
        ),
    ),
    Check(
        id="I3.letters",
        title="неразобранное — у оператора / dead events and open dead letters are the same",
        advice=f"разберите снова: {_REPLAY} --help / settle them again",
        parts=(
            Walk(
                table="tasks_deadletter",
                only="closed_at IS NULL",
                broken="""
                    SELECT b.delivery_id || ' #' || b.position AS what FROM batch b
                    WHERE 'dead' IS DISTINCT FROM (
                      SELECT a.outcome FROM tasks_attempt a
                      WHERE a.delivery_id = b.delivery_id AND a.position = b.position
                      ORDER BY a.id DESC LIMIT 1)
                """,
            ),
            Walk(
                table="tasks_attempt",
                only="outcome = 'dead'",
                sparse=True,
                broken="""
                    SELECT b.delivery_id || ' #' || b.position AS what FROM batch b
                    LEFT JOIN tasks_deadletter l ON l.account_id = b.account_id
                      AND l.delivery_id = b.delivery_id AND l.position = b.position
                    WHERE l.id IS NULL
                      OR (l.closed_by = 'settled' AND NOT EXISTS (
                        SELECT FROM tasks_attempt a WHERE a.delivery_id = b.delivery_id
                          AND a.created_at > b.created_at))
                """,
            ),
        ),
    ),
    Check(
        id="I3.routed",
        title="доставка приложения разошлась или ждёт продавца / every part of an app's delivery"
        " is routed or waits for its merchant",
        advice=f"разберите снова: {_REPLAY} --source APP / settle them again",
        parts=(
            Walk(
                table="tasks_routed",
                broken="""
                    SELECT b.delivery_id || ' ' || b.merchant AS what FROM batch b
                    LEFT JOIN ingest_delivery d ON d.id = b.routed_id
                    LEFT JOIN accounts_source s ON s.id = d.source_id
                    WHERE b.routed_id IS NOT NULL
                      AND (d.origin, d.cause, s.parent_id, s.merchant)
                          IS DISTINCT FROM ('routed', b.delivery_id, b.source_id, b.merchant)
                """,
            ),
            Walk(
                table="tasks_attempt",
                only="outcome = 'recorded'",
                final=old("created_at"),
                broken="""
                    SELECT b.delivery_id || ' #' || b.position AS what FROM batch b
                    JOIN accounts_source s ON s.id = b.source_id AND s.is_app
                    WHERE NOT EXISTS (SELECT FROM tasks_routed r
                                      WHERE r.account_id = b.account_id
                                        AND r.delivery_id = b.delivery_id)
                """,
            ),
        ),
    ),
    Check(
        id="I9.attempts",
        title=f"не больше {MOST_ATTEMPTS} попыток / no pending delivery beyond {MOST_ATTEMPTS}"
        " attempts",
        advice="смотрите last_error в ingest_inbox и журнал worker / see last_error in"
        " ingest_inbox and the worker's log",
        parts=(
            Walk(
                table="ingest_inbox",
                key=("delivery_id",),
                broken=f"SELECT b.delivery_id::text AS what FROM batch b"  # noqa: S608
                f" WHERE b.attempts > {MOST_ATTEMPTS}",
            ),
        ),
    ),
    Check(
        id="I9.held",
        title="ждут только приостановленные / only paused sources hold deliveries back",
        advice="manage.py source resume ID",
        parts=(
            Walk(
                table="ingest_inbox",
                key=("delivery_id",),
                only="due_at = 'infinity'",
                broken="""
                    SELECT b.delivery_id || ' source ' || b.source_id AS what FROM batch b
                    LEFT JOIN accounts_source s ON s.id = b.source_id
                    WHERE coalesce(s.state, '') NOT IN ('paused', 'disabled')
                """,
            ),
        ),
    ),
    Check(
        id="I9.age",
        title=f"разбор не отстаёт на {LATE} с / nothing due waits longer than {LATE} s",
        advice="работает ли worker? make run, /ready / is the worker running?",
        warning=True,
        parts=(
            Walk(
                table="ingest_inbox",
                key=("delivery_id",),
                broken=f"""
                    SELECT b.delivery_id::text AS what FROM batch b
                    WHERE b.due_at < now() - interval '{LATE} s'
                """,  # noqa: S608
            ),
        ),
    ),
)
