"""Compares everything a worker wrote with the truth; what differs comes back as lines of text."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain, islice

from palier.contracts.moments import format_moment
from palier.contracts.records import BATCH_HEADER
from palier.contracts.tier_change import event_id
from palier.engine.meta import META_KEY, Envelope
from palier_tiers.processor import DEAD_LETTER, TIER_CHANGES, TIER_CURRENT
from worker_kit.dead_letters import dead_letter_faults
from worker_kit.reading import changelog_topic, last_meta, output_topic, read_all
from worker_kit.succession import by_one_pack, by_packs
from worker_kit.touchpoints import touchpoints_topic
from worker_kit.transactions import (
    batch_of_change,
    batch_of_output,
    remaining_faults,
    transaction_faults,
    undone_transactions,
)

MOST_LINES = 20  # of one kind: a model that decides otherwise does so everywhere


@dataclass
class Verdict:
    """`faults` is empty when everything is exact; the rest says how much was looked at.

    `tiers`: headline -> contacts, by the truth. `aborted`: records of transactions that were undone; `undone` and
    `transactions`: how many of these there were, and how many were committed. `metas_gone`: by compaction.
    """

    touchpoints: int = 0
    refused: int = 0
    changes: int = 0
    lost: int = 0
    doubled: int = 0
    conflicting: int = 0
    aborted: int = 0
    transactions: int = 0
    undone: int = 0
    metas_gone: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    erased: int = 0
    faults: list[str] = field(default_factory=list)


def judge(
    settings,
    folder,
    seen_live=None,
    seen_uncommitted=None,
    until_ms=None,
    *,
    compacted=False,
    refused_records=None,
    packs=None,
    as_encoded=None,
):
    """Judge all that lies in the topics.

    `seen_live`: the tier changes a read_committed reader has seen as they came, by partition; then it is they that are
    counted as lost, doubled or conflicting, and what was undone is counted too. `seen_uncommitted`: the same of a
    read_uncommitted reader, who keeps the reader's rule. `until_ms`: when the workers' clocks have made all silences
    noticed; None: they notice none. `compacted`: changelog and tier-current have lost what is outdated.
    `refused_records`: (partition, offset) -> reason of records that are refused for more than their value. `packs`: the
    InForce that followed one another; None: the settings' one. `as_encoded`: (encoded state, state as another release has
    written it) -> the former as that release would have encoded it.
    """
    refused_records = refused_records or {}
    names = settings.tier_changes_topic, settings.tier_current_topic, settings.dead_letter_topic
    outputs = [*(output_topic(settings, name) for name in names), changelog_topic(settings)]
    lying = read_all(settings, touchpoints_topic(settings), *outputs)
    source, changes, current, dead_letters, changelog = lying.values()
    values = [[value_of(message, refused_records) for message in messages] for messages in source]
    if packs is None:
        chains, refusals, truth, naive = by_one_pack(settings, folder, values, until_ms)
    else:
        chains, refusals, truth, naive = by_packs(settings, packs, changelog, values)

    verdict = Verdict(touchpoints=sum(map(len, source)), refused=len(refusals), changes=sum(map(len, changes)))
    verdict.causes.update(change["cause"] for one in chains.values() for change in one)
    verdict.tiers.update(sum((one.tiers for one in truth), Counter()))
    verdict.erased = sum(key.startswith(b"\0") for one in truth for key in one.states)
    places = [(message.partition(), message.offset()) for message in chain(*source)]
    refused = {places[index]: reason for index, reason in refusals.items()} | refused_records
    count_changes(verdict, chains, chain(*(changes if seen_live is None else seen_live)))
    verdict.faults += islice(naive, MOST_LINES)
    verdict.faults += chain_faults(chains, chain(*changes))
    verdict.faults += event_faults(settings, chain(*changes))
    if until_ms is None:  # when silence is noticed is the worker's business, within the grace
        verdict.faults += recording_faults(changes, truth)
    verdict.faults += current_faults(current, chains, truth)
    verdict.faults += dead_letter_faults(source, refused, chain(*dead_letters))
    verdict.faults += state_faults(changelog, truth, as_encoded)
    verdict.faults += meta_faults(changelog, source, truth)
    verdict.faults += whole_faults(verdict, changelog, changes, current, dead_letters, compacted=compacted)
    if seen_live is not None:
        verdict.faults += live_faults(changes, seen_live)
        count_undone(verdict, settings, outputs, lying)
    if seen_uncommitted is not None:
        verdict.faults += uncommitted_faults(chains, chain(*seen_uncommitted))
    return verdict


def value_of(message, refused_records):
    """A record's value; of one that is refused whatever its value is, a value that is refused too."""
    known = (message.partition(), message.offset()) in refused_records
    return b"" if known else message.value() or b""


def count_undone(verdict, settings, outputs, lying):
    """Records and transactions that nobody with read_committed ever sees."""
    everything = read_all(settings, *outputs, isolation="read_uncommitted")
    for number in range(settings.partitions):
        logs = [
            (
                everything[topic][number],
                lying[topic][number],
                batch_of_change if topic == outputs[-1] else batch_of_output,
            )
            for topic in outputs
        ]
        verdict.aborted += sum(len(written) - len(committed) for written, committed, _ in logs)
        verdict.undone += undone_transactions(logs)


def whole_faults(verdict, changelog, changes, current, dead_letters, *, compacted):
    """Every committed checkpoint is whole, and each follows the one before."""
    for number, logs in enumerate(zip(changelog, changes, current, dead_letters, strict=True)):
        outputs = dict(zip((TIER_CHANGES, TIER_CURRENT, DEAD_LETTER), logs[1:], strict=True))
        metas, last = sum(message.key() == META_KEY for message in logs[0]), last_meta(logs[0])
        if compacted and last is not None:
            verdict.transactions += last.batch_number
            verdict.metas_gone += last.batch_number - metas
            del outputs[TIER_CURRENT]
        else:
            verdict.transactions += metas
        faults = (remaining_faults if compacted else transaction_faults)(logs[0], outputs)
        yield from (f"partition {number}: {fault}" for fault in faults)


def uncommitted_faults(expected, messages):
    """Who reads what is not committed and keeps the reader's rule gets each change once, with one content."""
    applied, contents = defaultdict(list), {}
    for message in messages:
        change = unrecorded(json.loads(message.value()))
        name = (change["contact_id"], change["sequence"])
        if contents.setdefault(name, change) != change:
            yield f"{name[0]}, change {name[1]} comes with two contents: {contents[name]} and {change}"
        chain_so_far = applied[change["contact_id"]]
        if change["sequence"] > len(chain_so_far) + 1:
            yield f"{name[0]}: an uncommitted reader meets change {name[1]} after {len(chain_so_far)}"
        if change["sequence"] == len(chain_so_far) + 1:
            chain_so_far.append(change)
    wanted = {contact_id: list(map(unrecorded, one)) for contact_id, one in expected.items()}
    if different := [
        contact_id for contact_id in wanted.keys() | applied if applied[contact_id] != wanted.get(contact_id)
    ]:
        yield f"{len(different)} contacts differ for an uncommitted reader, one is {different[0]}"


def count_changes(verdict, expected, messages):
    """How many changes of the replay never came, came again, or came with another content."""
    wanted = {(change["contact_id"], change["sequence"]): change for one in expected.values() for change in one}
    got = Counter()
    for message in messages:
        change = json.loads(message.value())
        name = (change["contact_id"], change["sequence"])
        got[name] += 1
        verdict.conflicting += name not in wanted or unrecorded(change) != unrecorded(wanted[name])
    verdict.lost = len(wanted.keys() - got.keys())
    verdict.doubled = got.total() - len(got)
    if verdict.lost or verdict.doubled or verdict.conflicting:
        verdict.faults.append(
            f"tier changes: {verdict.lost} lost, {verdict.doubled} doubled, {verdict.conflicting} conflicting"
        )


def chain_faults(expected, messages):
    """Per contact exactly the chain of the replay: nothing lost, doubled, conflicting or out of order."""
    found = defaultdict(list)
    for message in messages:
        found[message.key().decode()].append(json.loads(message.value()))
    for contact_id in expected.keys() | found.keys():
        wanted, got = (list(map(unrecorded, side.get(contact_id, []))) for side in (expected, found))
        sequences = [change["sequence"] for change in got]
        if sequences != list(range(1, len(wanted) + 1)):
            yield f"{contact_id}: sequence {sequences}, wanted 1..{len(wanted)}"
        elif wanted != got:
            number = next(number for number, pair in enumerate(zip(wanted, got, strict=True)) if pair[0] != pair[1])
            yield f"{contact_id}: change {number + 1} is {got[number]}, wanted {wanted[number]}"


def unrecorded(change):
    """A tier change without the time of noticing."""
    return {name: value for name, value in change.items() if name != "recorded_at"}


def event_faults(settings, messages):
    """Every tier change is a CloudEvent in binary mode, with an id that no other has."""
    ids = Counter()
    for message in messages:
        change, headers = json.loads(message.value()), message.headers()
        key = change["contact_id"].encode()
        ids[dict(headers)["ce_id"]] += 1
        wanted = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(event_id(change["contact_id"], change["sequence"])).encode()),
            ("ce_source", f"palier/{settings.application}".encode()),
            ("ce_type", b"palier.tier.changed.v1"),
            ("ce_subject", key),
            ("ce_time", change["occurred_at"].encode()),
            ("ce_partitionkey", key),
            ("ce_sequence", str(change["sequence"]).zfill(10).encode()),
            ("content-type", b"application/json"),
        ]
        if headers[:-1] != wanted or headers[-1][0] != BATCH_HEADER or message.key() != key:
            yield f"{change['contact_id']}, change {change['sequence']}: headers {headers}"
    if repeated := [name for name, count in ids.items() if count > 1]:
        yield f"{len(repeated)} ids of events come more than once"


def recording_faults(changes, truth):
    """With the event clock, recorded_at is the newest occurred_at that the partition had read."""
    for number, (messages, expected) in enumerate(zip(changes, truth, strict=True)):
        got = [json.loads(message.value())["recorded_at"] for message in messages]
        if got != list(map(format_moment, expected.recorded_at)):
            yield f"partition {number}: recorded_at differs"


def current_faults(records, chains, truth):
    """tier-current holds each contact's last change, and a tombstone after each erasure."""
    for number, (messages, expected) in enumerate(zip(records, truth, strict=True)):
        found = {message.key().decode(): message.value() for message in messages}
        wanted = {
            contact_id: last and current_of(chains[contact_id][last[0] - 1], since=last[1])
            for contact_id, last in expected.current.items()
        }
        got = {contact_id: value and unrecorded(json.loads(value)) for contact_id, value in found.items()}
        for contact_id in wanted.keys() | got.keys():
            if wanted.get(contact_id, "nothing") != got.get(contact_id, "nothing"):
                yield (
                    f"tier-current, partition {number}: {contact_id} is {got.get(contact_id, 'nothing')}, "
                    f"wanted {wanted.get(contact_id, 'nothing')}"
                )


def current_of(change, since):
    """The record of tier-current that a tier change leads to, but for recorded_at."""
    same = ("contact_id", "sequence", "held", "channels", "occurred_at", "cause")
    return {name: change[name] for name in same} | {
        "tier": change["to"],
        "since": format_moment(since),
        "pack_version": change["pack"]["version"],
        "pack_digest": change["pack"]["digest"],
    }


def state_faults(changelog, truth, as_encoded=None):
    """The changelog's last states are those of the fold, byte for byte; no contact has two. `as_encoded`: see `judge`."""
    homes = defaultdict(set)
    for number, (messages, expected) in enumerate(zip(changelog, truth, strict=True)):
        states = {message.key(): message.value() for message in messages if message.key() != META_KEY}
        alive = {key: value[Envelope.SIZE :] for key, value in states.items() if value is not None}
        for key in alive:
            homes[key].add(number)
        wanted = dict(expected.states)
        if as_encoded is not None:
            wanted |= {key: as_encoded(wanted[key], state) for key, state in alive.items() if key in wanted}
        if different := [key for key in alive.keys() | wanted if alive.get(key) != wanted.get(key)]:
            yield f"changelog, partition {number}: {len(different)} states differ, one is {different[0]!r}"
    if split := [key for key, numbers in homes.items() if len(numbers) > 1]:
        yield f"{len(split)} contacts have two states, one is {split[0]!r}"


def meta_faults(changelog, source, truth):
    """META stands at the end of the source and counts contacts as they are."""
    for number, (expected, messages, meta) in enumerate(zip(truth, source, map(last_meta, changelog), strict=True)):
        if not messages:
            continue
        if meta is None:
            yield f"partition {number}: no META"
        elif Counter(meta.summary["contacts"]) != expected.tiers:
            yield f"partition {number}: META counts {meta.summary['contacts']}, there are {dict(expected.tiers)}"
        elif meta.summary["newest_occurred_at"] != expected.newest_occurred_at:
            yield f"partition {number}: META's newest occurred_at is {meta.summary['newest_occurred_at']}"


def live_faults(changes, seen_live):
    """The reader that never stopped saw what lies in the topic now: each record once and none that was undone."""
    for number, (messages, seen) in enumerate(zip(changes, seen_live, strict=True)):
        lies, saw = ([(message.offset(), message.value()) for message in side] for side in (messages, seen))
        if lies != saw:
            yield f"partition {number}: the live reader saw {len(saw)} tier changes, {len(lies)} lie there"
