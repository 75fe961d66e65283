"""Logs: one JSON object per line in production, readable lines in development."""

import logging.config
import sys
from typing import Any

import structlog
from structlog.typing import Processor


def configure_logging(*, level: str, json_lines: bool) -> None:
    """Configure structlog and the standard library's logging at the start of a process."""
    logging.config.dictConfig(log_config(level=level, json_lines=json_lines))
    structlog.configure(
        processors=[*_COMMON, *_rendering(json_lines=json_lines)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Writes directly: the standard library's logging takes five times as long.
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def log_config(*, level: str, json_lines: bool) -> dict[str, Any]:
    """Return the `logging.config` dictionary that formats the log lines of libraries."""
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
            # No local variables: a frame may contain a secret.
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
