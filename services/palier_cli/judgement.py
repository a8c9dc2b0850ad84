"""How many touchpoints were no human's, and what says so. Only those are counted against which something speaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from palier.domain.outcome import BOT, SUSPECT

if TYPE_CHECKING:
    from palier.domain.outcome import Outcome


@dataclass(slots=True)
class Judgement:
    """What speaks against touchpoints of a log."""

    verdicts: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)
    """By its kind; a touchpoint may have several against it."""
    bot_withdrawals: int = 0

    def add(self, outcome: Outcome) -> None:
        """One touchpoint with evidence against it."""
        self.verdicts[outcome.verdict] += 1
        self.evidence.update(outcome.evidence)
        self.bot_withdrawals += outcome.bot_withdrawal

    @property
    def bots(self) -> int:
        """Touchpoints that score nothing."""
        return self.verdicts[BOT]

    @property
    def suspects(self) -> int:
        """Touchpoints that score in part."""
        return self.verdicts[SUSPECT]
