"""What a log must have become: by one rule pack, or by packs that follow one another, each where META says it took over.

A checkpoint is folded with one pack, which its META names; so a pack is in force from where the META before its first one
stands.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from model.chains import differences, naive_chains_by_partition, naive_faults
from palier.contracts.moments import format_moment
from palier.contracts.refusal import RefusalReason
from palier.contracts.tier_change import tier_change_json
from palier.engine.meta import META_KEY, decode_meta
from worker_kit.touchpoints import touchpoints_topic
from worker_kit.truth import folded, replayed

if TYPE_CHECKING:
    from model.tables import Table
    from palier.domain.pack import RulePack


@dataclass(frozen=True)
class InForce:
    """One pack as the product has it and as the naive model does."""

    pack: RulePack
    table: Table


class Succession:
    """The packs that were in force, first to last, and where each took over in each partition.

    `takeovers`: by partition, offset in the source -> InForce. `faults`: packs that nobody knows, or that came back.
    """

    def __init__(self, packs, changelog, topic):
        self._first = packs[0]
        known = {one.pack.digest: rank for rank, one in enumerate(packs)}
        self.faults = []
        self.takeovers = []
        for number, messages in enumerate(changelog):
            position, rank, takeovers = 0, 0, {}
            for meta in (decode_meta(message.value()) for message in messages if message.key() == META_KEY):
                now = known.get(meta.summary["pack"][2], -1)
                if now < rank:
                    self.faults.append(f"partition {number}, batch {meta.batch_number}: pack {now} follows {rank}")
                elif now > rank:
                    rank, takeovers[position] = now, packs[now]
                position = meta.positions.get(topic, position)
            self.takeovers.append(takeovers)

    @property
    def count(self):
        """How often a newer pack took over, over all partitions."""
        return sum(map(len, self.takeovers))

    def folded(self, values, settings):
        """What each partition must be: as `folded`, with the packs that were in force."""
        return [
            folded(
                of_partition,
                settings,
                self._first.pack,
                newer_packs={offset: one.pack for offset, one in takeovers.items()},
            )
            for of_partition, takeovers in zip(values, self.takeovers, strict=True)
        ]

    def tables(self):
        """For the naive model: (the first table, by partition offset -> newer table)."""
        newer = [{offset: one.table for offset, one in takeovers.items()} for takeovers in self.takeovers]
        return self._first.table, newer


def chains_of(truth):
    """Contact -> tier changes as JSON, of partitions that are folded; one contact lives in one partition."""
    chains = defaultdict(list)
    for one in truth:
        for change, pack, recorded_at in one.changes:
            chains[change.contact_id].append(json.loads(tier_change_json(change, pack, recorded_at)))
    return dict(chains)


def refusals_of(truth, values):
    """Index in the log of all partitions, one after the other -> reason."""
    first, refusals = 0, {}
    for one, of_partition in zip(truth, values, strict=True):
        refusals |= {first + index: reason for index, reason in one.refusals.items()}
        first += len(of_partition)
    return refusals


def by_one_pack(settings, folder, values, until_ms):
    """(chains, refusals by index, folded partitions, differences of the naive model), all of the settings' pack."""
    until = () if until_ms is None else ("--until", format_moment(until_ms))
    chains, refusals = replayed([*chain(*values)], folder, *until)
    if until_ms is not None:  # what only moves the clocks there lies beyond, and a replay refuses it
        refusals = {index: reason for index, reason in refusals.items() if reason != RefusalReason.FUTURE}
    truth = [folded(of_partition, settings, until_ms=until_ms) for of_partition in values]
    accepted = [value for index, value in enumerate(chain(*values)) if index not in refusals]
    return chains, refusals, truth, naive_faults(accepted, chains, until_ms)


def by_packs(settings, packs, changelog, values):
    """The same of packs that followed one another as META says."""
    succession = Succession(packs, changelog, touchpoints_topic(settings))
    truth = succession.folded(values, settings)
    chains = chains_of(truth)
    accepted = [
        {place: value for place, value in enumerate(of_partition) if place not in one.refusals}
        for one, of_partition in zip(truth, values, strict=True)
    ]
    naive, left_out = naive_chains_by_partition(accepted, *succession.tables())
    return chains, refusals_of(truth, values), truth, chain(succession.faults, differences(naive, chains, left_out))
