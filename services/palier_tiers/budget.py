"""Dead letters have a budget: above it the deploy is bad, not the data, and the worker stops."""

from __future__ import annotations

from palier.errors import DataError

WINDOW = 10_000  # records the share is taken of
LEAST = 1_000  # records seen before the share means anything
FAULTS_IN_A_ROW = 10


class DeadLetterBudget:
    """The share of refused records among a partition's latest, at half a window's precision."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._records = self._refused = 0

    def spend(self, records: int, refused: int, partition: int) -> None:
        """Count one batch.

        Raises:
            DataError: the share is above the budget.
        """
        if self._records + records > WINDOW:
            self._records //= 2
            self._refused //= 2
        self._records += records
        self._refused += refused
        if self._records >= LEAST and self._refused > self._share * self._records:
            raise DataError(
                f"partition {partition}: {self._refused} of the latest {self._records} records were refused, more than "
                f"PALIER_DEAD_LETTER_BUDGET={self._share} allows: look into the dead-letter topic, then mend upstream "
                "or raise the budget"
            )
