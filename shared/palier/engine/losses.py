"""Damage to what the engine relies on: by default the end of the process; with an operator's consent counted and passed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from palier.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

REMEDY = "restore it from a backup, or go on without what is lost: palier worker --accept-data-loss"


class Losses:
    """Never starts empty or on wrong state by itself: either somebody said that loss is acceptable, or it ends here."""

    def __init__(self, *, accepted: bool = False, count: Callable[[int], None] | None = None) -> None:
        self.accepted = accepted
        self._count = count

    def take(self, where: str, why: str, records: int = 1) -> None:
        """Something is damaged or gone. `where`: topic, partition, offset; `records`: how many at least.

        Raises:
            DataError: the loss was not accepted.
        """
        if not self.accepted:
            raise DataError(f"{where}: {why}; {REMEDY}")
        logger.warning("data loss accepted: %s: %s (records: %d)", where, why, records)
        if self._count is not None:
            self._count(records)
