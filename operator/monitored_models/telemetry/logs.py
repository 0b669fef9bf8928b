"""How the operator logs: one line for each thing worth telling, with the model it is about and a reason to search by.

For people on a terminal in colour; else one JSON object a line, with the fields `model` and `reason`.
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
    """Fields of a line about a model or a profile; for `extra`."""
    return {"model": str(key), "reason": why}


def reason(why: str) -> dict[str, Any]:
    """Fields of a line about the operator; for `extra`."""
    return {"reason": why}


def to_stderr(*, verbose: bool) -> None:
    """Log to standard error, as a terminal or a collector of logs likes it."""
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
    """Put the model in front of the message, where there is no field to look for it."""
    if (model := getattr(record, "model", None)) and not str(record.msg).startswith(model):
        record.msg = f"{model}: {record.msg}"
    return True


def _downgrade_missing_kind(record: logging.LogRecord) -> bool:
    """Of a watch that ends because its kind is gone one line is enough: the session notices, and begins anew."""
    error = record.exc_info[1] if record.exc_info else None
    if record.name.startswith("kopf") and getattr(error, "status", None) == HTTPStatus.NOT_FOUND:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True
