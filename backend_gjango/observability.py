"""Logs and error reports, the same in every process. No Django is needed to import this.

One line per event on stderr: JSON where a machine reads it, aligned text where a person does
(``GJANGO_LOG=json|text`` decides otherwise). The context (request_id, source_id, delivery_id,
event, attempt) is bound with ``structlog.contextvars``. Every line passes ``masking``.
"""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from .masking import SECRET_NAMES, mask

#: Servers that come with handlers of their own: their lines go our way too.
_SERVERS = ("_granian", "granian.access", "gunicorn.error", "gunicorn.access", "dramatiq")
#: What a library says at INFO about each of its steps is no event of ours.
_QUIET = ("httpx", "httpcore", "urllib3", "asyncio", "dramatiq")
#: Headers that explain a failure and identify nobody.
_HEADERS_KEPT = frozenset({"accept", "content-length", "content-type", "user-agent"})


def configure(process: str, *, json: bool | None = None) -> None:
    """Set logs up, and Sentry where SENTRY_DSN is given. Safe to call again.

    ``process`` names us in every line: receiver, api, worker, clock or manage.
    """
    as_json = _wants_json() if json is None else json
    structlog.configure(
        processors=[*_shared(process), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _take_over_logging(_formatter(process, as_json=as_json))
    if dsn := os.environ.get("SENTRY_DSN"):
        start_sentry(dsn, process)


def _wants_json() -> bool:
    given = os.environ.get("GJANGO_LOG", "")
    if given in {"json", "text"}:
        return given == "json"
    debug = os.environ.get("DJANGO_DEBUG", "").lower() in {"1", "true", "on", "yes"}
    return not debug and not sys.stderr.isatty()


def _shared(process: str) -> list[Processor]:
    def named(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", process)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        named,
    ]


def _formatter(process: str, *, as_json: bool) -> logging.Formatter:
    json = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    # The text of a traceback, never the values of its variables.
    text = structlog.processors.format_exc_info
    last: list[Processor] = [text, masked, json if as_json else _console()]
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        foreign_pre_chain=[*_shared(process), structlog.stdlib.ExtraAdder(), _without_doubles],
    )


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def masked(_logger: Any, _method: str, event: EventDict) -> MutableMapping[str, Any]:
    """Cut secrets out of one event."""
    result: MutableMapping[str, Any] = mask(event)
    return result


def _without_doubles(_logger: Any, _method: str, event: EventDict) -> EventDict:
    # What others' formatters left on the record says the same again.
    for name in ("message", "color_message", "asctime"):
        event.pop(name, None)
    return event


class _Handler(logging.StreamHandler[Any]):
    """Ours, to be told from others when we are called again; looks stderr up at every line."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _value: Any) -> None:
        pass


def _take_over_logging(formatter: logging.Formatter) -> None:
    root = logging.getLogger()
    handler = _Handler()
    handler.setFormatter(formatter)
    plain = {logging.StreamHandler, _Handler}
    root.handlers = [other for other in root.handlers if type(other) not in plain] + [handler]
    root.setLevel(os.environ.get("GJANGO_LOG_LEVEL", "INFO").upper())
    for name in _SERVERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def start_sentry(dsn: str, process: str, **options: Any) -> None:
    """Report errors to Sentry without bodies, variables, secrets or anybody's data."""
    import sentry_sdk
    from sentry_sdk.scrubber import DEFAULT_DENYLIST, DEFAULT_PII_DENYLIST, EventScrubber

    sentry_sdk.init(
        dsn=dsn,
        environment=os.environ.get("SENTRY_ENVIRONMENT", "production"),
        include_local_variables=False,
        max_request_body_size="never",
        # send_default_pii is off unless given, and deprecated; data_collection would switch our
        # scrubber off.
        max_breadcrumbs=30,
        event_scrubber=EventScrubber(
            denylist=[*DEFAULT_DENYLIST, *DEFAULT_PII_DENYLIST, *SECRET_NAMES], recursive=True
        ),
        before_send=lambda event, _hint: report(event),
        **options,
    )
    sentry_sdk.set_tag("process", process)


def report(event: Any) -> Any:
    """Return an error report with everything cut out that nobody needs to mend a bug."""
    request = event.get("request") or {}
    if request:
        headers = request.get("headers") or {}
        kept = {k: v for k, v in dict(headers).items() if k.lower() in _HEADERS_KEPT}
        url = str(request.get("url", "")).partition("?")[0]
        event["request"] = {"method": request.get("method"), "url": url, "headers": kept}
    event.pop("user", None)
    for frame in _frames(event):
        frame.pop("vars", None)
    return mask(event)


def _frames(event: Mapping[str, Any]) -> list[Any]:
    values = (event.get("exception") or {}).get("values") or []
    return [frame for one in values for frame in (one.get("stacktrace") or {}).get("frames", [])]
