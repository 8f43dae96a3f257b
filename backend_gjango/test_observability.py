"""A secret, a token and a customer's phone leave the process neither in a log nor in a report."""

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog

from . import observability
from .masking import mask, mask_text


@pytest.fixture
def kept_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.contextvars.clear_contextvars()
    observability.configure("manage")


@pytest.fixture
def lines(kept_logging: None, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    observability.configure("test", json=True)
    return lambda: str(capsys.readouterr().err).splitlines()


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("POST /hooks/abcdefGHIJKLMNOP/extra?x=1", "GHIJKLMNOP"),
        ("url: /rest/7/kq3ab9Zz81mcode/crm.deal.get.json", "kq3ab9Zz81mcode"),
        ("secret whsec_C2FVsBQIhrscChlQIMV", "C2FVsBQIhrscChlQIMV"),
        ("Authorization: Bearer abc.def-123456", "abc.def-123456"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgresql://app:s3cr3t@db:5432/x", "s3cr3t"),
        ("host=db password=s3cr3t user=x", "s3cr3t"),
        ("GET /api/dash.getTransaction?token=687409:4164553&transaction_id=7", "4164553"),
        ("клиент +7 (916) 123-45-67 купил", "123-45-67"),
        ("клиент 89161234567 купил", "89161234567"),
        ("почта ivan.petrov@example.com", "ivan.petrov"),
    ],
)
def test_texts_lose_what_is_nobodys_business(text: str, hidden: str) -> None:
    assert hidden in text
    assert hidden not in mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:40:17.123456Z",
        "019374a1-7b2c-7def-8123-456789abcdef",
        "settled 7812 of 9000 in 1795428748 s",
        "1234567.89",
    ],
)
def test_times_ids_and_amounts_stay(text: str) -> None:
    assert mask_text(text) == text


def test_values_under_secret_names_and_bodies_are_hidden_at_any_depth() -> None:
    told = mask({"a": [{"Authorization": "x", "password": "y", "n": 1}], "b": b"12345"})

    assert told == {"a": [{"Authorization": "…", "password": "…", "n": 1}], "b": "<5 bytes>"}


def test_a_line_carries_its_context_and_libraries_speak_the_same_way(
    lines: Callable[[], list[str]],
) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1", delivery_id="d1"):
        structlog.get_logger().info("event_staged", source_id=7)
        logging.getLogger("django.request").warning("Not Found: %s", "/hooks/abcdefTOKENTOKEN")

    ours, theirs = (json.loads(line) for line in lines())
    assert (ours["event"], ours["source_id"], ours["request_id"]) == ("event_staged", 7, "r1")
    assert (theirs["event"], theirs["delivery_id"]) == ("Not Found: /hooks/abcdef…", "d1")
    assert theirs["process"] == "test"


def test_a_line_break_in_a_value_does_not_make_a_second_line(
    lines: Callable[[], list[str]],
) -> None:
    structlog.get_logger().info("event_staged", key='a\r\n{"event": "forged"}')

    assert len(lines()) == 1


class _Captured(sentry_sdk.Transport):
    """A transport that keeps the envelopes."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent.append(envelope.serialize())


class _Canary:
    """Values that must not be seen; made at run time, so that no source line holds them."""

    def __init__(self) -> None:
        self.secret = f"whsec_{secrets.token_hex(16)}"
        self.token = secrets.token_urlsafe(32)
        self.phone = f"+7916{secrets.randbelow(10**7):07}"
        self.all = (self.secret[6:], self.token[6:], self.phone)


def _verify(canary: _Canary) -> None:
    headers = {"Authorization": f"Bearer {canary.token}", "X-Secret": canary.secret}
    body = json.dumps({"customer": {"phone": canary.phone}}).encode()
    url = f"https://x.example/hooks/{canary.token}?phone={canary.phone}"
    raise RuntimeError(f"cannot verify {url} {headers} {body!r}")


def test_the_canary_is_in_no_report_and_no_line(lines: Callable[[], list[str]]) -> None:
    canary, transport = _Canary(), _Captured()
    observability.start_sentry("https://key@sentry.invalid/1", "test", transport=transport)
    log = structlog.get_logger()

    try:
        with sentry_sdk.isolation_scope() as scope:
            scope.add_event_processor(lambda event, _hint: {**event, "request": _request(canary)})
            sentry_sdk.add_breadcrumb(message=f"POST /hooks/{canary.token}")
            try:
                _verify(canary)
            except RuntimeError:
                log.exception("verification_failed", path=f"/hooks/{canary.token}")
                sentry_sdk.capture_exception()
        sentry_sdk.flush()
    finally:
        sentry_sdk.init()

    reported = b"".join(transport.sent).decode()
    logged = "".join(lines())
    assert "cannot verify" in reported
    assert "verification_failed" in logged
    for value in canary.all:
        assert value not in reported
        assert value not in logged


def _request(canary: _Canary) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"https://x.example/hooks/{canary.token}?phone={canary.phone}",
        "query_string": f"phone={canary.phone}",
        "headers": {"X-Signature": canary.secret, "Content-Type": "application/json"},
        "data": {"phone": canary.phone},
        "cookies": {"sessionid": canary.token},
    }
