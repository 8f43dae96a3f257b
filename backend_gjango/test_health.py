"""Probes: what they answer, to whom, and without any scope."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from prometheus_client import CollectorRegistry
from pytest_django import Settings

from . import gauges
from .roles import as_owner

pytestmark = pytest.mark.django_db(transaction=True)


def test_live_answers_without_the_database(client: Client) -> None:
    assert client.get("/live").json() == {"live": True}


def test_ready_is_200_where_everything_is_there_and_silent_redis_is_a_warning(
    client: Client, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    answer = client.get("/ready")

    assert answer.status_code == 200
    assert answer.json()["reasons"] == []
    assert [one["code"] for one in answer.json()["warnings"]] == ["redis"]


def test_F31_ready_is_503_where_a_migration_is_missing(client: Client) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'tasks' AND name = '0002_security' "
            "RETURNING app, name, applied"
        )
        kept = cursor.fetchone()

    answer = client.get("/ready")

    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", kept
        )
    assert answer.status_code == 503
    assert answer.json()["reasons"][0]["code"] == "migrations"
    assert "tasks.0002_security" in answer.json()["reasons"][0]["detail"]


def test_F23_ready_is_503_where_this_month_has_no_partition(client: Client) -> None:
    rename = "ALTER TABLE {} RENAME TO {}"
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT 'ingest_delivery_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')")
        name = str(cursor.fetchone()[0])
        cursor.execute(rename.format(name, f"{name}_away"))

    answer = client.get("/ready")

    with as_owner(), connection.cursor() as cursor:
        cursor.execute(rename.format(f"{name}_away", name))
    assert answer.status_code == 503
    assert [one["code"] for one in answer.json()["reasons"]] == ["partition"]


def test_ready_is_503_and_tells_strangers_nothing_where_the_database_is_away(
    client: Client,
) -> None:
    kept = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update({"HOST": "127.0.0.1", "PORT": "9", "PASSWORD": "s3cr3t"})

    try:
        answer = client.get("/ready")
    finally:
        connection.close()
        connection.settings_dict.update(kept)

    assert answer.status_code == 503
    assert answer.json()["reasons"][0]["code"] == "database"
    assert "127.0.0.1" not in answer.content.decode()


def test_metrics_show_the_inbox_to_this_machine(client: Client) -> None:
    told = client.get("/metrics").content.decode()

    assert "gjango_inbox_size 0.0" in told
    assert "gjango_attempts" in told


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("", "127.0.0.1", 200),
        ("", "203.0.113.5", 404),
        ("203.0.113.5", "127.0.0.1", 404),
        ("127.0.0.1", "127.0.0.1, 203.0.113.5", 404),
    ],
)
def test_metrics_are_hidden_from_strangers(
    client: Client, peer: str, forwarded: str, status: int
) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded})

    assert answer.status_code == status


def test_a_stranger_with_the_token_may_measure(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_TOKEN", "letmein")

    right, wrong = (
        client.get(
            "/metrics", REMOTE_ADDR="203.0.113.5", headers={"authorization": f"Bearer {token}"}
        )
        for token in ("letmein", "другой")
    )

    assert (right.status_code, wrong.status_code) == (200, 404)


@pytest.mark.parametrize("path", ["/live", "/ready", "/metrics"])
def test_probes_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_containers_with_the_same_process_numbers_are_added_up(tmp_path: Path) -> None:
    counts = "import prometheus_client as p; p.Counter('gjango_tried', '').inc({number})"
    for number, service in enumerate((".", "receiver", "worker"), 1):
        (tmp_path / service).mkdir(exist_ok=True)
        subprocess.run(
            [sys.executable, "-c", counts.format(number=number)],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / service)},
            check=True,
        )

    (found,) = gauges.Everybody(CollectorRegistry(), str(tmp_path)).collect()

    assert [sample.value for sample in found.samples] == [6.0]
