"""What the processor keeps per partition besides contacts: figures for META and for the metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from palier.domain.outcome import HUMAN, Duplicate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.domain.outcome import Outcome
    from palier.domain.touchpoint import Touchpoint

UNENGAGED = "unengaged"


@dataclass(slots=True)
class Tally:
    """What one checkpoint did; handed to the metrics once it is committed."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # (type, outcome)
    changes: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (from, to, cause)
    verdicts: Counter[str] = field(default_factory=Counter)  # of touchpoints with evidence against them
    evidence: Counter[str] = field(default_factory=Counter)  # kind
    bot_withdrawals: int = 0
    taken_back: int = 0
    not_reversible: int = 0
    refusals: Counter[str] = field(default_factory=Counter)  # reason code
    timestamps_ms: list[int] = field(default_factory=list)  # Kafka timestamp of every record
    contacts: Mapping[str, int] = field(default_factory=dict)  # headline tier -> contacts, at the checkpoint
    newest_occurred_at: int = 0

    def judged(self, outcome: Outcome) -> None:
        """Something speaks against a touchpoint, or it takes others back. Of the rest nobody keeps count."""
        self.taken_back += outcome.taken_back
        self.not_reversible += outcome.not_reversible
        if not outcome.evidence:
            return
        self.verdicts[outcome.verdict] += 1
        self.evidence.update(outcome.evidence)
        self.bot_withdrawals += outcome.bot_withdrawal

    def all_verdicts(self) -> Counter[str]:
        """Of every touchpoint that was judged: what nothing speaks against is human."""
        folded = sum(self.outcomes.values()) - sum(self.refusals.values())
        duplicates = sum(count for (_, outcome), count in self.outcomes.items() if outcome == Duplicate.name)
        return self.verdicts + Counter({HUMAN: folded - duplicates - self.verdicts.total()})


@dataclass(frozen=True, slots=True)
class Expiry:
    """A timer's work in the journal: demotions of a contact up to a moment."""

    contact_id: str
    until_ms: int


@dataclass(slots=True)
class PartitionContext:
    """`contacts`: headline tier -> number of contacts. `newest_*`: largest seen, in milliseconds since the epoch.

    `stub_salt`: the application that this state began with; see palier.contracts.stub_key.
    """

    contacts: Counter[str]
    newest_occurred_at: int
    newest_timestamp: int
    stub_salt: str
    tally: Tally = field(default_factory=Tally)
    journal: list[Touchpoint | Expiry] = field(default_factory=list)  # since the last checkpoint began
    faults_in_a_row: int = 0

    @classmethod
    def from_summary(cls, summary: Mapping[str, Any], application: str) -> PartitionContext:
        """As META left it; zeros for a new partition of this application."""
        return cls(
            Counter(summary.get("contacts", {})),
            summary.get("newest_occurred_at", 0),
            summary.get("newest_timestamp", 0),
            summary.get("stub_salt", application),
        )

    def take_tally(self) -> Tally:
        """What was counted since the last checkpoint; counting begins anew."""
        taken, self.tally = self.tally, Tally()
        self.journal = []
        taken.contacts, taken.newest_occurred_at = dict(self.contacts), self.newest_occurred_at
        return taken
