"""Access tokens that a provider gives for an API secret: in memory alone, one for each account."""

import threading
import time
from collections.abc import Callable

from integrations.asking import Access

#: A token is renewed so many seconds before its end: the calls of one object take a while.
_EARLY = 120.0
#: However short a token is said to live, it serves so long: else each call would log in.
_SHORTEST = 10.0


class Token:
    """The access token of one account; shared by all threads, of which only one logs in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._until = 0.0
        self._worked = False

    def text(self, log_in: Callable[[], Access]) -> str:
        """Return the token, a new one where there is none that lives. Raises what ``log_in`` does,
        and keeps nothing then."""
        with self._lock:
            if time.monotonic() >= self._until:
                access = log_in()
                self._text, self._worked = access.token, False
                self._until = time.monotonic() + max(access.seconds - _EARLY, _SHORTEST)
            return self._text

    def answered(self) -> None:
        """Note that a call was let in with it."""
        self._worked = True

    def refused(self) -> bool:
        """Forget it; say whether calls were let in with it before: then it is but over, and the
        secret may still be good."""
        with self._lock:
            self._until = 0.0
            worked, self._worked = self._worked, False
            return worked
