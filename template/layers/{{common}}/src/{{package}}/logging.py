"""Logs: one JSON object a line in production, readable lines in a terminal."""

import logging.config
import sys
from typing import Any

import structlog
from structlog.typing import Processor


def configure_logging(*, level: str, json_lines: bool) -> None:
    """Set up structlog and the standard library's logging, once at the start of a process."""
    logging.config.dictConfig(log_config(level=level, json_lines=json_lines))
    structlog.configure(
        processors=[*_COMMON, *_rendering(json_lines=json_lines)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Written directly: a line through the standard library costs five times as much.
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def log_config(*, level: str, json_lines: bool) -> dict[str, Any]:
    """Return the `logging.config` dictionary that gives the libraries' lines the same form."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_COMMON, structlog.stdlib.add_logger_name],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_rendering(json_lines=json_lines),
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "structured",
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {},
        "root": {"handlers": ["stderr"], "level": level},
    }


_COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _rendering(*, json_lines: bool) -> list[Processor]:
    if json_lines:
        return [
            # Without the local variables: a frame may hold a secret.
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
