"""Logging of the operator: one line per notable event, with the model that it is about and a reason to search by.

In color for people on a terminal; otherwise one JSON object per line, with the fields `model` and `reason`.
"""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus
from typing import Any

from pythonjsonlogger.json import JsonFormatter
from rich.console import Console
from rich.logging import RichHandler

from ..naming.keys import OwnerKey


def about(key: OwnerKey, why: str) -> dict[str, Any]:
    """Log fields of a line about a model or a profile; for `extra`."""
    return {"model": str(key), "reason": why}


def reason(why: str) -> dict[str, Any]:
    """Log fields of a line about the operator; for `extra`."""
    return {"reason": why}


def to_stderr(*, verbose: bool) -> None:
    """Log to standard error, in a format for a terminal or for a log collector."""
    handler: logging.Handler
    if sys.stderr.isatty():
        handler = RichHandler(console=Console(stderr=True), show_path=False)
        handler.addFilter(_lead_with_model)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                datefmt="%Y-%m-%dT%H:%M:%S%z",
            )
        )
    handler.addFilter(_downgrade_missing_kind)
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(message)s")
    if not verbose:
        logging.getLogger("kopf").setLevel(logging.WARNING)


def _lead_with_model(record: logging.LogRecord) -> bool:
    """Prefix the message with the model, for output without fields."""
    if (model := getattr(record, "model", None)) and not str(record.msg).startswith(model):
        record.msg = f"{model}: {record.msg}"
    return True


def _downgrade_missing_kind(record: logging.LogRecord) -> bool:
    """Reduce the error of a watch whose kind is gone to one warning: a new controller run begins anyway."""
    error = record.exc_info[1] if record.exc_info else None
    if record.name.startswith("kopf") and getattr(error, "status", None) == HTTPStatus.NOT_FOUND:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True
