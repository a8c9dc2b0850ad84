"""What a run tells on stderr: a line every few seconds, counts only."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palier_simulator.arrival import Arrival

INTERVAL_S = 5.0
logger = logging.getLogger("palier_simulator")


class Progress:
    """Counts records and says so every few seconds."""

    def __init__(self) -> None:
        self.records = self.malformed = 0
        self._began = self._told = monotonic()
        self._told_records = 0

    def sent(self, arrivals: Sequence[Arrival]) -> None:
        """These were handed to the sink."""
        if not arrivals:
            return
        self.records += len(arrivals)
        self.malformed += sum(arrival.refusal is not None for arrival in arrivals)
        now = monotonic()
        if now - self._told >= INTERVAL_S:
            moment = f"{datetime.fromtimestamp(arrivals[-1].at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
            per_second = (self.records - self._told_records) / (now - self._told)
            logger.info("%s: %s, %s/s", moment, self._counts(), f"{per_second:,.0f}")
            self._told, self._told_records = now, self.records

    def ended(self, *, early: bool) -> None:
        """The run is over; `early`: by a signal."""
        seconds = monotonic() - self._began
        per_second = self.records / max(seconds, 1e-9)
        logger.info(
            "%s: %s in %.1f s (%s/s)", "stopped" if early else "done", self._counts(), seconds, f"{per_second:,.0f}"
        )

    def _counts(self) -> str:
        return f"{self.records:,} records, {self.malformed:,} of them malformed"
