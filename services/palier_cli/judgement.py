"""How many touchpoints were no human's, what says so, and what was taken back for it. Of the others nothing is counted."""

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
    taken_back: int = 0
    """Touchpoints that count no more, since a machine made them or their source revoked them."""
    not_reversible: int = 0
    """Touchpoints that should count no more, and still do, at least in part: too much has come after them."""

    def add(self, outcome: Outcome) -> None:
        """What came of one touchpoint."""
        self.taken_back += outcome.taken_back
        self.not_reversible += outcome.not_reversible
        if not outcome.evidence:
            return
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
