"""What a worker must have made of a source log: `palier replay` for the chains, an offline fold for everything else."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from palier.contracts.contact_state import encode_state
from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal
from palier.domain.demotion import expire
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.kafka.partitioning import placement_of
from palier.packs import load_pack

if TYPE_CHECKING:
    from palier.domain.outcome import TierChange
    from palier.domain.pack import RulePack

TOMBSTONE = None
NEVER_S = 1e10  # a grace with which no timer ever fires: like `palier replay` without --until
UNENGAGED = "unengaged"


def replayed(values, folder, *options):
    """What `palier replay` makes of the values, one a line: (chains by contact, refused lines by index: reason)."""
    file = folder / "source.jsonl"
    file.write_bytes(b"".join(value + b"\n" for value in values))
    done = subprocess.run(
        [sys.executable, "-m", "palier_cli", "replay", str(file), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    chains = defaultdict(list)
    for change in map(json.loads, done.stdout.splitlines()):
        chains[change["contact_id"]].append(change)
    refusals = {line["line"] - 1: line["reason"] for line in map(json.loads, done.stderr.splitlines())}
    return dict(chains), refusals


@dataclass
class Folded:
    """Where an offline fold of one partition ends.

    `states`: changelog key -> encoded state. `current`: contact -> its last tier change as (sequence, since), or
    TOMBSTONE. `tiers`: headline -> contacts that are not erased. `recorded_at`: newest occurred_at when each change, in
    order, came out. `changes`: each with the pack and that time. `refusals`: index -> reason.
    """

    states: dict[bytes, bytes] = field(default_factory=dict)
    current: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    tiers: Counter[str] = field(default_factory=Counter)
    recorded_at: list[int] = field(default_factory=list)
    newest_occurred_at: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    changes: list[tuple[TierChange, RulePack, int]] = field(default_factory=list)
    refusals: dict[int, str] = field(default_factory=dict)


def folded(values, settings, pack=None, until_ms=None, newer_packs=None):
    """Fold the values of one partition from its beginning; with `until_ms` up to the silences noticed by then.

    `newer_packs`: index of a value -> the pack in force from there on.
    """
    pack = pack or load_pack(settings.pack)
    result, states, headlines = Folded(), {}, {}
    latest_ms = time.time_ns() // 1_000_000
    for index, value in enumerate(values):
        pack = newer_packs.get(index, pack) if newer_packs else pack
        touchpoint = decode_line(value, latest_ms)
        if isinstance(touchpoint, Refusal):
            result.outcomes["refused"] += 1
            result.refusals[index] = touchpoint.reason
            continue
        contact_id = touchpoint.contact_id
        result.newest_occurred_at = max(result.newest_occurred_at, touchpoint.occurred_at)
        state = states.setdefault(contact_id, ContactState.new())
        was_erased = state.is_erased
        outcome = fold(state, touchpoint, pack)
        result.outcomes[outcome.name] += 1
        result.recorded_at += [result.newest_occurred_at] * len(outcome.changes)
        result.changes += [(change, pack, result.newest_occurred_at) for change in outcome.changes]
        if outcome.changes:
            headlines[contact_id] = outcome.changes[-1].to_tier
            result.current[contact_id] = outcome.changes[-1].sequence, outcome.changes[-1].since
        if state.is_erased and not was_erased:
            result.current[contact_id] = TOMBSTONE
    for contact_id, state in states.items() if until_ms is not None else ():
        if changes := expire(state, contact_id, until_ms, pack):
            headlines[contact_id] = changes[-1].to_tier
            result.current[contact_id] = changes[-1].sequence, changes[-1].since
    for contact_id, state in states.items():
        if state.is_erased and settings.partitioner != "none":
            state.placement = placement_of(contact_id.encode(), settings.partitioner)
        result.states[state_key(settings, contact_id, state)] = encode_state(state)
        if not state.is_erased:
            result.tiers[headlines.get(contact_id, UNENGAGED)] += 1
    return result


def state_key(settings, contact_id, state):
    """Where a state lies: under the contact's id, an erased one's under a digest of it."""
    key = contact_id.encode()
    if not state.is_erased:
        return key
    return b"\0erased:" + hashlib.sha256(settings.application.encode() + b"\0" + key).digest()
