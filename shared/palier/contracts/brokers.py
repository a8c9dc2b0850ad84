"""What a worker needs of every broker, as data: checked by `palier topics`, named in its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from palier.contracts.limits import MIB

if TYPE_CHECKING:
    from palier.settings import Settings

OLDEST_KAFKA: Final = "3.9"
"""The oldest release that Palier is meant for."""

TRANSACTION_TIMEOUT_MS: Final = 30_000
"""How long readers wait after a crash if nobody takes over; then the broker aborts the transaction."""

MAX_REQUEST_BYTES: Final = 4 * MIB
"""Longest request of a worker, in bytes: a dead letter carries up to 1 MiB of original value."""

BROKERS_SETTINGS: Final = "set it in the settings of every broker"


@dataclass(frozen=True, slots=True)
class BrokerSetting:
    """One setting of brokers.

    Attributes:
        name: Kafka's.
        rule: how a broker's value may differ from `needed`.
        needed: as Kafka writes it.
        blocks_worker: without it no worker could work.
        remedy: what to do, in one line.
    """

    name: str
    rule: Literal["exactly", "at least", "at most"]
    needed: str
    blocks_worker: bool
    remedy: str = BROKERS_SETTINGS

    def is_met_by(self, actual: str) -> bool:
        """Whether a broker with this value will do."""
        match self.rule:
            case "exactly":
                return actual == self.needed
            case "at least":
                return int(actual) >= int(self.needed)
            case "at most":
                return int(actual) <= int(self.needed)

    def __str__(self) -> str:
        return self.needed if self.rule == "exactly" else f"{self.rule} {self.needed}"


def broker_settings(settings: Settings) -> tuple[BrokerSetting, ...]:
    """What every broker of the cluster must be set to."""
    session_ms = str(int(settings.session_timeout * 1000))
    session_remedy = "choose a PALIER_SESSION_TIMEOUT that brokers allow, or set it in the settings of every broker"
    return (
        # Off, a delayed write can fall into a producer's next transaction and leave it hanging.
        BrokerSetting("transaction.partition.verification.enable", "exactly", "true", blocks_worker=False),
        # The rest are limits beyond which the brokers refuse what a worker asks for.
        BrokerSetting("transaction.max.timeout.ms", "at least", str(TRANSACTION_TIMEOUT_MS), blocks_worker=True),
        BrokerSetting("socket.request.max.bytes", "at least", str(MAX_REQUEST_BYTES), blocks_worker=True),
        BrokerSetting("group.min.session.timeout.ms", "at most", session_ms, blocks_worker=True, remedy=session_remedy),
        BrokerSetting(
            "group.max.session.timeout.ms", "at least", session_ms, blocks_worker=True, remedy=session_remedy
        ),
    )
