"""The same bad HTTP, put to gunicorn: what the Django side does with it, measured 2026-11-25."""

from collections.abc import Iterator

import pytest

from .api import Api, api_server, status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def api(django_db_setup: None) -> Iterator[Api]:
    with api_server(SENTRY_DSN="http://key@127.0.0.1:1/1") as running:
        yield running


def test_F49_gunicorn_refuses_malformed_lengths_and_codings(api: Api) -> None:
    """As the row saw it: 400, and 501 for an unknown coding; obs-fold is refused too."""
    refused = {
        "Content-Length: +3": 400,
        "Content-Length: -1": 400,
        "Content-Length: 3\r\nContent-Length: 4": 400,
        "Content-Length: 3\r\nTransfer-Encoding: chunked": 400,
        "Content-Length : 3": 400,
        "X-Fold: a\r\n folded": 400,
        "Transfer-Encoding: nonsense": 501,
    }

    assert {line: status(api.get("/live", line, method="POST")) for line in refused} == refused


def test_F50_an_underscore_in_a_name_never_becomes_the_header_with_a_dash(api: Api) -> None:
    """Gunicorn drops such a header: no token, no session, no forwarded host by that way."""
    plain = api.get("/sales/", "Authorization: Bearer nonsense")
    hidden = api.get("/", "X_Forwarded_Host: evil.example")

    assert status(plain) == 401
    assert status(hidden) == 200
    assert b"evil.example" not in hidden


def test_F55_gunicorn_bounds_headers_in_number_and_length(api: Api) -> None:
    assert status(api.get("/live", *(f"X-{n}: 1" for n in range(150)))) == 431
    assert status(api.get("/live", "X-Long: " + "x" * 20_000)) == 431


def test_F56_the_api_refuses_other_methods_and_echoes_nothing(api: Api) -> None:
    for method in ("TRACE", "DELETE", "PROPFIND"):
        answer = api.get("/sales/", "X-Canary: canary-7", method=method)
        assert status(answer) in (401, 405), method
        assert b"canary-7" not in answer


def test_F58_a_foreign_host_is_400_and_no_error_report(api: Api) -> None:
    answer = api.raw(b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")

    assert status(answer) == 400
    assert b"evil.example" not in answer
    assert status(api.get("/live")) == 200
