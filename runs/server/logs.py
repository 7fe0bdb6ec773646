"""Logs of the product's processes: one line per event, for people on a terminal, as JSON everywhere else.

Our own events and those of the libraries take the same way: context (run, request), time, secrets taken out, control
characters made visible. Nothing that a stranger sends can forge a line or colour a terminal.
"""

import logging
import logging.config
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from algotrade.scrubbing import HIDDEN, scrub

SECRET_WORDS = ("password", "passwd", "secret", "token", "authorization", "cookie", "csrf", "digest")
"""A value whose name contains one of these is never logged."""
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}
_LINE_BREAKS = {10: "\\n", 0x2028: "\\u2028", 0x2029: "\\u2029"}
MAX_DEPTH = 4
"""Levels of nested values that are searched for secrets; deeper ones are shown as text, which is searched too."""

HOST_CHARACTERS = 100
"""How much of a foreign Host header is logged."""

NOISY = ("daphne", "twisted", "asyncio", "django-q", "numba", "urllib3", "django.channels.server")
"""Libraries of which only warnings are worth a line."""


def configure(options: Mapping[str, Any]) -> None:
    """Set up logging of this process (settings.LOGGING_CONFIG).

    Args:
        options: settings.LOGGING; `level`, and `json` (True, False, or None: JSON unless stderr is a terminal).
    """
    is_json = options.get("json")
    if is_json is None:
        is_json = not sys.stderr.isatty()
    shared = _shared_processors()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [structlog.stdlib.ExtraAdder(), *shared],
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(is_json)],
                }
            },
            "filters": {"foreign_host": {"()": ForeignHost}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": options.get("level", "INFO")},
            # Django sets up handlers of its own for these two; everything is to take the one way.
            "loggers": {
                "django": {"handlers": [], "level": "INFO", "propagate": True},
                "django.security.DisallowedHost": {"filters": ["foreign_host"]},
                "django.server": {"handlers": [], "level": "INFO", "propagate": True},
                **{name: {"level": "WARNING"} for name in NOISY},
            },
        }
    )


class ForeignHost(logging.Filter):
    """Makes one short line of a request for a host that we are not: anybody can send a thousand of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace Django's traceback and advice by the beginning of the header."""
        request = getattr(record, "request", None)
        host = str(request.META.get("HTTP_HOST", "") if request is not None else record.getMessage())
        record.msg, record.args = "foreign Host header: %s", (host[:HOST_CHARACTERS],)
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        drop_foreign_objects,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide_secrets,
        show_control_characters,
    ]


def _renderers(is_json: bool) -> list[Processor]:
    if is_json:
        return [structlog.processors.JSONRenderer(default=str, ensure_ascii=False)]
    return [
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    ]


def drop_foreign_objects(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Leave out what Django attaches to its records for its own handlers: whole requests and servers."""
    for name in ("request", "server_time", "status_code") if event.get("logger", "").startswith("django") else ():
        event.pop(name, None)
    return event


def hide_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace values with telling names, and everything in texts that looks like a credential."""
    for name, value in event.items():
        event[name] = HIDDEN if _is_secret(name) and value else _cleaned(value, MAX_DEPTH)
    return event


def _is_secret(name: object) -> bool:
    lowered = str(name).lower()
    return any(word in lowered for word in SECRET_WORDS)


def _cleaned(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bytes) or depth == 0:
        return scrub(str(value))
    if isinstance(value, Mapping):
        return {k: HIDDEN if _is_secret(k) and v else _cleaned(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item, depth - 1) for item in value]
    return value


def show_control_characters(_logger: object, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    """Write control characters as escapes, so that no value can begin a line of its own or steer a terminal.

    Tracebacks keep their line breaks; they stand below their line and begin with blanks or a known word.
    """
    for name, value in event.items():
        if isinstance(value, str):
            text = value.translate(_CONTROL)
            event[name] = text if name in ("exception", "stack") else text.translate(_LINE_BREAKS)
    return dict(event)
