"""The walk of a touchpoint: bytes -> decode -> fold -> outcome -> state, tier changes, dead letters. One direction."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from palier.contracts.contact_state import STATE_VERSION, decode_state, encode_state
from palier.contracts.dead_letter import dead_letter_record
from palier.contracts.decoding import decode_touchpoint
from palier.contracts.refusal import Refusal, RefusalReason
from palier.contracts.stub_key import stub_key
from palier.contracts.tier_change import tier_change_record
from palier.contracts.tier_current import tier_current_record, tier_current_tombstone
from palier.domain.demotion import expire, next_demotion_at
from palier.domain.fold import fold
from palier.domain.outcome import Duplicate
from palier.domain.state import ContactState
from palier.engine import failpoints
from palier.engine.ports import Snapshot
from palier.errors import ConfigurationError, DataError
from palier.kafka.partitioning import partition_of, placement_of
from palier_tiers.budget import FAULTS_IN_A_ROW, DeadLetterBudget
from palier_tiers.context import UNENGAGED, Expiry, PartitionContext, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from palier.domain.outcome import TierChange
    from palier.domain.pack import RulePack
    from palier.domain.touchpoint import Touchpoint
    from palier.engine.partition import Partition
    from palier.engine.ports import Record
    from palier.settings import Settings

# What the processor emits to; EngineConfig.outputs names their topics and the metrics count them.
TIER_CHANGES, TIER_CURRENT, DEAD_LETTER = "tier_changes", "tier_current", "dead_letter"

logger = logging.getLogger(__name__)

REFUSED = "refused"
NO_TYPE = ""  # a refused record has no type that could be trusted


class TouchpointProcessor:
    """Folds touchpoints of one source topic into contacts. The engine calls it; it never waits."""

    def __init__(self, settings: Settings, pack: RulePack) -> None:
        self._pack = pack
        self._application = settings.application
        self._partitions, self._partitioner = settings.partitions, settings.partitioner
        self._event_clock = settings.clock == "event"
        self._budget_share = settings.dead_letter_budget
        self._budgets: dict[int, DeadLetterBudget] = {}

    # --- what the engine asks (palier.engine.ports.Processor) ---------------------------------------------------------
    encode = staticmethod(encode_state)
    decode = staticmethod(decode_state)

    def open(self, partition: Partition, summary: Mapping[str, Any]) -> None:
        """Go on where META stands; refuse to with a pack that is older, or another of the same version.

        A newer pack takes over with the next checkpoint, which stamps it into META; contacts meet it one by one. States
        of a newer release are refused here, before anything is written: each is decoded only when its contact is active.
        """
        if summary.get("state_version", 1) > STATE_VERSION:
            raise DataError(
                f"partition {partition.number}: states of version {summary['state_version']}, this version reads up to "
                f"{STATE_VERSION}: run the newer release"
            )
        written_by, pack = summary.get("pack"), self._pack
        if written_by is not None and tuple(written_by) != (pack.name, pack.version, pack.digest):
            name, version, digest = written_by
            ours, theirs = (
                f"{pack.name} {pack.version} ({pack.digest[:12]})",
                f"{name} {version} ({digest[:12]})",
            )
            if version >= pack.version:
                raise ConfigurationError(
                    f"rule pack {ours} is not newer than {theirs}, which wrote partition {partition.number}: "
                    f"run that one, or raise the pack's version above {version}"
                )
            logger.info("partition %d: rule pack %s takes over from %s", partition.number, ours, theirs)
        partition.context = PartitionContext.from_summary(summary, self._application)
        self._budgets[partition.number] = DeadLetterBudget(self._budget_share)

    def due(self, state: ContactState) -> int | None:
        """When the contact loses a tier if nothing happens."""
        return next_demotion_at(state, self._pack)

    def clock_ms(self, partition: Partition) -> int:
        """What a worker that is behind knows of the time."""
        context: PartitionContext = partition.context
        return min(context.newest_occurred_at, context.newest_timestamp)

    def expire(self, partition: Partition, key: bytes, until_ms: int, offset: int) -> int | None:
        """Demote a contact that fell silent, as of the moment it was due."""
        state = partition.load(key)
        due_ms = None if state is None else self.due(state)
        if due_ms is None or due_ms > until_ms:
            return due_ms
        context: PartitionContext = partition.context
        contact_id = key.decode()
        changes = expire(state, contact_id, until_ms, self._pack)
        context.journal.append(Expiry(contact_id, until_ms))
        partition.save(key, state, offset)
        if changes:
            recorded_at = context.newest_occurred_at if self._event_clock else time.time_ns() // 1_000_000
            self._announce(partition, changes, recorded_at, erased=False)
        return self.due(state)

    def snapshot(self, partition: Partition) -> Snapshot:
        """Figures for META, and the tally for the metrics."""
        context: PartitionContext = partition.context
        summary = {
            "contacts": {tier: count for tier, count in context.contacts.items() if count},
            "newest_occurred_at": context.newest_occurred_at,
            "newest_timestamp": context.newest_timestamp,
            "pack": [self._pack.name, self._pack.version, self._pack.digest],
            "state_version": STATE_VERSION,
            "stub_salt": context.stub_salt,
        }
        return Snapshot(summary, context.take_tally())

    def committed(self, partition: Partition, effects: Tally) -> None:
        """Refused records are safe in the dead-letter topic; were they too many?"""
        refused = sum(effects.refusals.values())
        self._budgets[partition.number].spend(len(effects.timestamps_ms), refused, partition.number)

    def fold(self, partition: Partition, topic: str, records: Sequence[Record]) -> None:
        """One batch, in order. A record that is refused never delays its neighbours."""
        context: PartitionContext = partition.context
        now_ms = time.time_ns() // 1_000_000
        timestamps = [record.timestamp for record in records]
        context.newest_timestamp = max([context.newest_timestamp, *timestamps])
        for record in records:
            try:
                decoded = decode_touchpoint(record.value, record.key, record.timestamp, record.headers)
            except Exception as error:  # noqa: BLE001 - one record that we cannot decode must not stop the others
                decoded = self._fault(partition, record, "decoding", error)
            refusal = decoded if isinstance(decoded, Refusal) else self._advance(partition, record, decoded, now_ms)
            if refusal is not None:
                self._refuse(partition, topic, record, refusal)
        context.tally.timestamps_ms.extend(timestamps)

    # --- one touchpoint -----------------------------------------------------------------------------------------------
    def _advance(self, partition: Partition, record: Record, touchpoint: Touchpoint, now_ms: int) -> Refusal | None:
        """Fold a touchpoint into its contact. Returns why it was refused instead, if it was."""
        context: PartitionContext = partition.context
        key: bytes = record.key  # type: ignore[assignment] # decoding compared it with contact_id
        newest = max(context.newest_occurred_at, touchpoint.occurred_at)  # the clock, unless this one is refused
        if partition.torn and record.offset <= partition.torn.get(key, -1):
            context.newest_occurred_at = newest
            return None  # a torn transaction already committed this contact, and its outputs
        state, was_erased = partition.live.get(key), False  # a live contact is never a stub: those lie elsewhere
        if state is None:
            state = self._load(partition, key)
            if isinstance(state, Refusal):
                return state
            was_erased = state.is_erased
        try:
            outcome = fold(state, touchpoint, self._pack)
        except Exception as error:  # noqa: BLE001 - one record that we cannot fold must not stop the others
            self._restore(partition, key, touchpoint.contact_id)
            return self._fault(partition, record, "the fold", error)
        context.faults_in_a_row = 0
        context.newest_occurred_at = newest
        context.journal.append(touchpoint)
        context.tally.outcomes[touchpoint.type, outcome.name] += 1
        if outcome.evidence or outcome.taken_back or outcome.not_reversible:
            context.tally.judged(outcome)
        is_erased = state.is_erased
        if outcome.changes:
            recorded_at = newest if self._event_clock else now_ms
            self._announce(partition, outcome.changes, recorded_at, erased=is_erased)
        if type(outcome) is Duplicate:
            return None  # nothing has changed
        if was_erased or is_erased:
            self._save_around_erasure(partition, record, state, was_erased=was_erased)
        else:
            partition.save(key, state, record.offset)
        return None

    def _load(self, partition: Partition, key: bytes) -> ContactState | Refusal:
        """The contact at rest, its stub, or a new one; a refusal if a new one would be a second state."""
        context: PartitionContext = partition.context
        state: ContactState | None = partition.load(key)
        if state is None:
            state = partition.load(stub_key(key, context.stub_salt))
        if state is not None:
            return state
        home = self._home(key, partition.number)
        if home != partition.number:
            return self._wrong_partition(partition.number, home)
        context.contacts[UNENGAGED] += 1
        return ContactState.new()

    def _announce(self, partition: Partition, changes: Sequence[TierChange], recorded_at: int, *, erased: bool) -> None:
        context: PartitionContext = partition.context
        for change in changes:
            record = tier_change_record(change, self._pack, recorded_at, self._application)
            partition.emit(TIER_CHANGES, record)
            context.tally.changes[change.from_tier, change.to_tier, change.cause] += 1
            context.contacts[change.from_tier] -= 1
            context.contacts[change.to_tier] += 1
        if not erased:
            partition.emit(TIER_CURRENT, tier_current_record(changes[-1], self._pack, recorded_at))

    def _save_around_erasure(
        self, partition: Partition, record: Record, state: ContactState, *, was_erased: bool
    ) -> None:
        """An erased contact leaves a stub under a digest of its id, and no record under the id itself."""
        key: bytes = record.key  # type: ignore[assignment] # see _advance
        context: PartitionContext = partition.context
        under = stub_key(key, context.stub_salt)
        if not state.is_erased:  # woken by a grant
            partition.save(under, None, record.offset)
            partition.save(key, state, record.offset)
            context.contacts[UNENGAGED] += 1
            return
        self._place(state, key)
        partition.save(under, state, record.offset)
        if not was_erased:
            partition.save(key, None, record.offset)
            partition.emit(TIER_CURRENT, tier_current_tombstone(key.decode()))
            context.contacts[UNENGAGED] -= 1

    # --- what is refused ----------------------------------------------------------------------------------------------
    def _home(self, key: bytes, here: int) -> int:
        return here if self._partitioner == "none" else partition_of(key, self._partitions, self._partitioner)

    def _place(self, stub: ContactState, key: bytes) -> None:
        """Note what lets a stub follow its contact to another number of partitions: it no longer tells the id."""
        if self._partitioner != "none":
            stub.placement = placement_of(key, self._partitioner)

    def _wrong_partition(self, here: int, home: int) -> Refusal:
        return Refusal(
            RefusalReason.WRONG_PARTITION,
            f"the key belongs to partition {home} by {self._partitioner}, the record came in partition {here}: set the "
            "producer's partitioner to murmur2_random (librdkafka), or PALIER_PARTITIONER to what upstream uses",
        )

    def _fault(self, partition: Partition, record: Record, doing: str, error: Exception) -> Refusal:
        """One record that we fail at is refused; many in a row say that it is not the records."""
        context: PartitionContext = partition.context
        context.faults_in_a_row += 1
        if context.faults_in_a_row > FAULTS_IN_A_ROW:
            raise DataError(
                f"partition {partition.number}: {context.faults_in_a_row} records in a row cannot be folded, the last at "
                f"offset {record.offset} ({doing} raised {error!r}): a bad deploy, not bad data; nothing of them is committed"
            )
        return Refusal(RefusalReason.INTERNAL, f"{doing} raised {type(error).__name__}")

    def _restore(self, partition: Partition, key: bytes, contact_id: str) -> None:
        """Put the contact back as it was before this touchpoint: from rest, by what was folded since."""
        context: PartitionContext = partition.context
        under = stub_key(key, context.stub_salt)
        touched = key in partition.live or under in partition.live
        if not touched:
            if partition.load(key) is None and partition.load(under) is None:
                context.contacts[UNENGAGED] -= 1  # the contact was about to be made
            return
        state = partition.load_resting(key) or partition.load_resting(under) or ContactState.new()
        for earlier in context.journal:
            if earlier.contact_id != contact_id:
                continue
            if isinstance(earlier, Expiry):
                expire(state, contact_id, earlier.until_ms, self._pack)
            else:
                fold(state, earlier, self._pack)
        if state.is_erased:
            self._place(state, key)
        partition.live[under if state.is_erased else key] = state

    def _refuse(self, partition: Partition, topic: str, record: Record, refusal: Refusal) -> None:
        tally = partition.context.tally
        tally.outcomes[NO_TYPE, REFUSED] += 1
        tally.refusals[refusal.reason] += 1
        partition.emit(
            DEAD_LETTER,
            dead_letter_record(
                refusal,
                topic=topic,
                partition=partition.number,
                offset=record.offset,
                timestamp_ms=record.timestamp,
                key=record.key,
                value=record.value,
                headers=record.headers,
            ),
        )
        failpoints.reached("refused")
