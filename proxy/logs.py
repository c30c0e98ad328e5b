"""Logging: one line per record on stderr, as JSON or as text. No prompt, answer, key or header is ever a log argument."""

from __future__ import annotations

import logging
import sys
import time
from typing import Literal

from translators.formats.json import dumps


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return dumps(line).decode()


def configure(level: str, style: Literal["json", "text"]) -> None:
    """Send the program's own log to stderr; on a terminal always as text. Other loggers speak from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    text = style == "text" or sys.stderr.isatty()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S") if text else _Json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("joch").setLevel(level.upper())
