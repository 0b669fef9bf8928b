"""The operator with a switch: at SIGUSR1 its event loop is held for HOLD_SECONDS, as by one long step of its work.

    python -m testbed.busy_operator run --settings FILE

The hold is a loop of Python in the main thread, between two steps of whatever runs there: it competes for the interpreter
with every other thread, as a long step would. No function of the operator is replaced.
"""

from __future__ import annotations

import os
import signal
import time

from monitored_models.cli.main import main


def hold(_number: int, _frame: object) -> None:
    """Do not give the event loop back."""
    until = time.monotonic() + float(os.environ["HOLD_SECONDS"])
    while time.monotonic() < until:
        pass


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, hold)
    main()
