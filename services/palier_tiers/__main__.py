"""`python -m palier_tiers`: one worker. Signals mean what they should from the first moment on."""

import os
import signal
from typing import NoReturn

DONE, INTERRUPTED = 0, 130  # as in palier.errors, which is not imported yet


def end_at_once(number: int, _frame: object) -> NoReturn:
    """A signal before there is anything to drain."""
    os._exit(INTERRUPTED if number == signal.SIGINT else DONE)


def start() -> NoReturn:
    """Handle signals, then import and run the worker, whose own handlers take over once it has something to drain."""
    # In a container the worker is PID 1, for which Linux drops a signal without a handler: while it waits for its
    # broker it would be deaf until it is killed. The libraries alone take a second to import.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_at_once)
    from palier_tiers.worker import main

    main()


if __name__ == "__main__":
    start()
