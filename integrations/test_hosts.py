"""Hosts in settings: names that cannot lead elsewhere than they say."""

import pytest

from .hosts import read_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("some-domain.bitrix24.ru", "some-domain.bitrix24.ru"),
        ("https://Some-Domain.bitrix24.com/", "some-domain.bitrix24.com"),
        ("crm.example.org", "crm.example.org"),
        ("портал.рф", "xn--80awhdgm.xn--p1ai"),
    ],
)
def test_a_host_is_a_name(text: str, host: str) -> None:
    assert read_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "a.bitrix24.ru:8080",
        "user@a.bitrix24.ru",
        "a.bitrix24.ru/rest/1/x",
        "http://a.bitrix24.ru",
        "a..ru",
        "-a.ru",
        "a.ru.",
        "a b.ru",
        "a" * 64 + ".ru",
        "а" * 300 + ".рф",
    ],
)
def test_what_is_no_name_of_a_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_host(text)
