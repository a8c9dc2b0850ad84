"""Logging of the worker: our own lines, and of the libraries' only what an operator can use, without floods."""

from __future__ import annotations

import logging
import time

REPEAT_AFTER_S = 10.0


class Calm(logging.Filter):
    """The same complaint at most once in ten seconds, and tracebacks only at debug level.

    aiokafka writes hundreds of lines while a broker is away; one says as much.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno > logging.DEBUG:
            record.exc_info = record.exc_text = None
            record.stack_info = None
        if record.name.startswith("palier"):
            return True
        said, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._last.get(said, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
            return False
        self._last[said] = now
        return True


def set_up_logging() -> None:
    """Lines on stderr: time, level, logger, text."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    handler.addFilter(Calm())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for ours in ("palier", "palier_tiers"):
        logging.getLogger(ours).setLevel(logging.INFO)
    for theirs in ("faust", "mode", "aiokafka"):
        logging.getLogger(theirs).setLevel(logging.ERROR)
