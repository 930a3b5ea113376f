"""What does a log line look like? Text for people, one JSON object per line for machines (LOG_FORMAT)."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class DeclaredRefusals(logging.Filter):
    """Leaves out 503: said on purpose, while something starts or comes back."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503


def configuration(form: str) -> dict[str, Any]:
    """Everything goes to stderr: stdout belongs to what a command answers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": "reviewapp.serving.logs.JsonFormatter"},
        },
        "filters": {"declared": {"()": "reviewapp.serving.logs.DeclaredRefusals"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # A 404 or 403 is an answer, not an event; what goes wrong here is logged as an error.
            "django.request": {"level": "ERROR", "filters": ["declared"]},
            # Logs each task otherwise, and there are several a second.
            "django-q": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        },
    }
