"""Why nothing could be learned from a provider, and what that asks for."""

from enum import StrEnum


class Cause(StrEnum):
    """The one vocabulary of failed questions: a metric's label."""

    SETTING = "setting"  # a person has to set something first
    REFUSED = "refused"  # 401, 403
    BUSY = "busy"  # the provider asked us to wait
    FAILED = "failed"  # no answer, or none of use


class Failed(Exception):
    """A question failed; the message is for people and holds nothing secret.

    ``pause`` is for how many seconds the provider wants to hear nothing of this account.
    """

    def __init__(self, cause: Cause, reason: str, *, pause: float | None = None) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason
        self.pause = pause
