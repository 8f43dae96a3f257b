"""How an answer says that it was asked too often."""

import pytest

from .asking import Reply, pause_by_header

DATE = "Sat, 14 Sep 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("Sat, 14 Sep 2026 12:01:30 GMT", 90.0),
        ("Sat, 14 Sep 2026 14:01:30 +0200", 90.0),
        ("Sat, 14 Sep 2026 12:01:30", 90.0),
        ("Sat, 14 Sep 2026 11:00:00 GMT", None),  # it is over
        ("12345678", None),
        ("-1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_pause_is_so_many_seconds_or_a_time_beside_the_answers_own(
    after: str, seconds: float | None
) -> None:
    assert pause_by_header(Reply(429, {"retry-after": after, "date": DATE}, None)) == seconds
    assert (
        pause_by_header(Reply(429, {"retry-after": "Sat, 14 Sep 2026 12:01:30 GMT"}, None)) is None
    )
