"""A change that loses a race is made again: deadlocks and serialization failures, really raised."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from accounts.models import IdempotencyKey
from accounts.repeating import REPEATS, repeat
from accounts.rls import scoped
from backend_gjango.roles import as_owner
from ingest.models import Delivery
from sales.api.conftest import House, open_house
from sales.api.test_writing import BODY, heard
from sales.models import Sale
from tests.threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 25
_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
#: A trigger that fails the first so many times; a sequence counts what is rolled back as well.
_LOSER = """
CREATE SEQUENCE lost;
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $fn$
BEGIN
  IF nextval('lost') <= {times} THEN
    RAISE EXCEPTION 'as ordered' USING ERRCODE = '{code}';
  END IF;
  RETURN NULL;
END
$fn$;
CREATE CONSTRAINT TRIGGER lose AFTER INSERT OR UPDATE ON sales_sale {when}
  FOR EACH ROW EXECUTE FUNCTION lose();
"""
AT_ONCE, AT_COMMIT = "NOT DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"


@pytest.fixture
def cafe(transactional_db: None) -> House:
    return open_house("cafe")


@contextmanager
def losing(times: int, when: str, *, code: str = "40001") -> Iterator[Callable[[], int]]:
    """Let the first changes of sales fail; what is yielded tells how many changes there were."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(_LOSER.format(when=when, times=times, code=code))
    try:
        yield _changes
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION lose CASCADE; DROP SEQUENCE lost")


def _changes() -> int:
    with as_owner(), connection.cursor() as cursor:
        return _number(cursor, "SELECT last_value FROM lost")


class Rival:
    """Another connection: it has what the request will wait for, then waits for the request's."""

    def __init__(self, account: int, statement: str, *parameters: Any) -> None:
        self._account = account
        self._second = (statement, parameters)
        self._holds = threading.Event()
        #: Whether the rival got what it wanted: the request has lost.
        self.won = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Rival":
        self._thread.start()
        assert self._holds.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)

    def _run(self) -> None:
        try:
            with scoped([self._account]), connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_xact_lock(hashtext('manual'), %s)", [self._account]
                )
                self._holds.set()
                while not _number(cursor, _WAITING):
                    time.sleep(0.01)
                cursor.execute(*self._second)
                self.won = True
                raise _Undone
        except (OperationalError, _Undone):
            pass
        finally:
            connection.close()


class _Undone(Exception):
    """The rival leaves nothing behind."""


def _number(cursor: Any, statement: str) -> int:
    cursor.execute(statement)
    return int(cursor.fetchone()[0])


def deadlocked(rival: Callable[[str], Rival], request: Callable[[str], Any]) -> Any:
    """Run a request into a deadlock until it is the one who loses; return its answer.

    Who waited first is the one who looks for deadlocks first: the request, except on a machine
    where the rival comes a second late.
    """
    for number in range(5):
        with rival(str(number)) as other:
            answer = request(str(number))
        if other.won:
            return answer
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_source WHERE provider = 'manual'")
    raise AssertionError("the request never lost")


def keys(cafe: House) -> list[UUID | None]:
    with scoped([cafe.account.pk]):
        return [row.object_id for row in IdempotencyKey.objects.all()]


def staged(cafe: House) -> int:
    with scoped([cafe.account.pk]):
        return Delivery.objects.filter(origin="manual").count()


def test_an_edit_that_loses_a_deadlock_is_made_again(cafe: House) -> None:
    key = heard(cafe)
    wanted = "SELECT 1 FROM sales_sale WHERE id = %s FOR UPDATE"

    answer = deadlocked(
        lambda _: Rival(cafe.account.pk, wanted, key),
        lambda _: cafe.call("PATCH", f"/sales/{key}/", {"number": "8"}),
    )

    assert (answer.status_code, answer.json()["number"]) == (200, "8")
    assert staged(cafe) == 1


def test_edits_that_race_a_settler_are_all_taken_and_both_sides_stand(cafe: House) -> None:
    key = heard(cafe)
    statuses: list[int] = []

    def edit() -> None:
        for number in range(1, ROUNDS + 1):
            answer = cafe.call("PATCH", f"/sales/{key}/", {"number": str(number)})
            statuses.append(answer.status_code)

    def hear() -> None:
        for clock in range(2, ROUNDS + 2):
            # A worker tries again as well.
            repeat(partial(state_as_of, clock))

    def state_as_of(clock: int, _: bool) -> None:
        heard(cafe, clock=clock, number="till", total=str(clock))

    in_threads([edit, hear])

    item = cafe.get(f"/sales/{key}/")
    assert statuses == [200] * ROUNDS
    assert (item["number"], item["total"]) == (str(ROUNDS), f"{ROUNDS + 1}.00")
    assert item["overrides"]["number"]["provider_value"] == "till"


def test_a_record_posted_with_a_key_is_made_once_though_its_first_try_lost(cafe: House) -> None:
    wanted = "INSERT INTO accounts_idempotencykey (account_id, key, sha256) VALUES (%s, %s, '')"
    used: list[str] = []

    def rival(key: str) -> Rival:
        used.append(key)
        return Rival(cafe.account.pk, wanted, cafe.account.pk, key)

    def post(key: str) -> Any:
        return cafe.call("POST", "/sales/", BODY, Idempotency_Key=key)

    answer = deadlocked(rival, post)
    again = post(used[-1])

    assert (answer.status_code, again.status_code) == (201, 200)
    assert again.json() == answer.json()
    assert keys(cafe) == [UUID(answer.json()["id"])]
    assert staged(cafe) == 1


@pytest.mark.parametrize("when", [AT_ONCE, AT_COMMIT])
def test_what_loses_until_its_last_time_is_made_once(cafe: House, when: str) -> None:
    with losing(REPEATS, when):
        answer = cafe.call("POST", "/sales/", BODY)

    assert answer.status_code == 201, answer.content.decode()
    assert staged(cafe) == 1
    with scoped([cafe.account.pk]):
        assert str(Sale.objects.get().pk) == answer.json()["id"]


@pytest.mark.parametrize("when", [AT_ONCE, AT_COMMIT])
def test_what_always_loses_is_503_and_leaves_nothing(cafe: House, when: str) -> None:
    cafe.client.raise_request_exception = False

    with losing(1_000, when) as changes:
        answer = cafe.call("POST", "/sales/", BODY, Idempotency_Key="key")
        times = changes()

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert (answer.json()["code"], times) == ("unavailable", REPEATS + 1)
    assert staged(cafe) == 0
    assert keys(cafe) == []


def test_a_full_disk_is_not_tried_again(cafe: House) -> None:
    with losing(1, AT_ONCE, code="53100") as changes:
        answer = cafe.call("POST", "/sales/", BODY)
        times = changes()

    assert (answer.status_code, times) == (503, 1)
