"""How long it takes to move the state of many contacts: out of one application, and into another.

    PYTHONPATH=tests python -m benchmarks.moving --contacts 1000000

Starts a local Apache Kafka, fills the changelog and tier-current of an application with states of typical contacts (50
touchpoints in 90 days), runs `palier state export` and `palier state import` as anybody would, prints one Markdown table
and stops what it started. Exit code 1: a command failed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks import report
from benchmarks.measured import MeasuredProcess
from benchmarks.workload import DAY_MS, DAYS, SIGN_UP, START_MS, draw_kind, touchpoint_json
from palier.contracts.contact_state import encode_state
from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal
from palier.contracts.tier_current import tier_current_record
from palier.domain.demotion import next_demotion_at
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.domain.words import spell
from palier.engine.meta import META_KEY, Envelope, Meta, encode_meta
from palier.kafka.local import LocalKafka
from palier.kafka.partitioning import partition_of
from palier.kafka.topics import apply_topics
from palier.moving.loading import loader
from palier.moving.standstill import Topics
from palier.packs import load_pack
from palier.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from palier.domain.outcome import TierChange

DISTINCT: Final = 2_000  # states folded; further contacts share them
TOUCHPOINTS: Final = 50
END_MS: Final = START_MS + DAYS * DAY_MS
PACK: Final = load_pack(None)


class Move(NamedTuple):
    """One command, measured."""

    command: str
    seconds: float
    cpu_s: float
    peak_bytes: int


def typical(seed: int) -> tuple[ContactState, TierChange | None]:
    """A contact after 50 touchpoints, and its last tier change."""
    chance = Random(seed)
    moments = sorted(START_MS + int(chance.random() * DAYS * DAY_MS) for _ in range(TOUCHPOINTS))
    return lived(moments, chance, seed, END_MS)


def lived(moments: list[int], chance: Random, number: int, latest_ms: int) -> tuple[ContactState, TierChange | None]:
    """Contact `number` after a sign-up and touchpoints at these moments, and its last tier change."""
    state, last = ContactState.new(), None
    for place, moment in enumerate(moments):
        kind = draw_kind(chance, number) if place else SIGN_UP
        touchpoint = decode_line(touchpoint_json(chance, kind, f"contact-{number}", moment), latest_ms)
        assert not isinstance(touchpoint, Refusal), touchpoint
        changes = fold(state, touchpoint, PACK).changes
        last = changes[-1] if changes else last
    return state, last


class Resting(NamedTuple):
    """A contact as workers leave it: its record of the changelog, its headline tier, its record of tier-current."""

    state: bytes
    tier: str
    current: bytes | None


def resting(state: ContactState, last: TierChange | None, recorded_at: int) -> Resting:
    """`last`: the contact's last tier change, if there was one."""
    due_s = (next_demotion_at(state, PACK) or 0) // 1_000
    current = tier_current_record(last, PACK, recorded_at).value if last else None
    value = Envelope.pack(Envelope.VERSION, 1, 0, due_s) + encode_state(state)
    return Resting(value, spell(state.headline), current)


def contacts(count: int) -> Iterator[tuple[bytes, Resting]]:
    """So many contacts, by their keys."""
    templates = [resting(*typical(seed), END_MS) for seed in range(min(count, DISTINCT))]
    for number, template in zip(range(count), itertools.cycle(templates), strict=False):
        yield f"contact-{number:09}".encode(), template


async def fill(settings: Settings, states: Iterable[tuple[bytes, Resting]], newest_ms: int) -> int:
    """Write the state of an application as its workers would leave it; bytes of an encoded state in the mean.

    `newest_ms`: up to when it has read touchpoints, by their time and by Kafka's.
    """
    await apply_topics(settings, lambda _line: None)
    topics, tiers, size = Topics.of(settings), [Counter[str]() for _ in range(settings.partitions)], 0
    async with loader(settings, "filling") as load:
        for key, contact in states:
            number = partition_of(key, settings.partitions, "murmur2")
            tiers[number][contact.tier] += 1
            size += len(contact.state) - Envelope.SIZE
            await load.add(topics.changelog, number, key, contact.state, [])
            if contact.current is not None:
                headers = [("content-type", b"application/json")]
                await load.add(topics.tier_current, number, key, contact.current, headers)
        for number, counted in enumerate(tiers):
            summary = {
                "contacts": dict(counted),
                "newest_occurred_at": newest_ms,
                "newest_timestamp": newest_ms,
                "pack": [PACK.name, PACK.version, PACK.digest],
                "stub_salt": settings.application,
            }
            meta = Meta(batch_number=1, positions={topics.touchpoints: 0}, summary=summary)
            await load.add(topics.changelog, number, META_KEY, encode_meta(meta), [])
        await load.commit()
    return size // sum(counted.total() for counted in tiers)


def move(command: str, file: Path, settings: Settings) -> Move:
    """Run `palier state` in a process of its own."""
    variables = {f"PALIER_{name.upper()}": str(value) for name, value in settings if value is not None}
    arguments = [sys.executable, "-m", "palier_cli", "state", command, str(file)]
    started, wall = time.monotonic(), time.time()
    with MeasuredProcess(arguments, file.with_name(f"{command}.log"), variables, None) as process:
        code = process.wait()
        seconds = time.monotonic() - started
        if code:
            raise RuntimeError(f"{command} ended with {code}: {process.log.read_text()[-2_000:]}")
        print(process.log.read_text(), file=sys.stderr)
        return Move(f"state {command}", seconds, process.cpu_s_between(wall, time.time()), process.peak_bytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, move, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.moving", description=__doc__.partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=1_000_000, help="how many (%(default)s)")
    parser.add_argument("--partitions", type=int, default=4, help="of the former application (%(default)s)")
    parser.add_argument("--into", type=int, default=12, help="partitions of the new one (%(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="palier-moving-") as folder:
        file = Path(folder) / "contacts.palier"
        with LocalKafka(Path(folder) / "kafka", say=lambda _line: None, heap="1g") as kafka:
            former = Settings(brokers=kafka.brokers, partitions=options.partitions)
            heir = Settings(brokers=kafka.brokers, partitions=options.into, app_id="heir", topic_prefix="heir-")
            size = asyncio.run(fill(former, contacts(options.contacts), END_MS))
            asyncio.run(apply_topics(heir, lambda _line: None))
            moves = [move("export", file, former), move("import", file, heir)]
            on_disk = file.stat().st_size
    print(f"{options.contacts:,} contacts of {size} bytes, {options.partitions} to {options.into} partitions")
    print(f"file: {on_disk / 1e6:.0f} MB\n")
    print("| command | seconds | CPU seconds | peak memory, MiB |\n|---|---:|---:|---:|")
    for one in moves:
        print(f"| `palier {one.command}` | {one.seconds:.1f} | {one.cpu_s:.1f} | {one.peak_bytes / 2**20:.0f} |")
    print(f"\n{report.versions()}.\n{report.machine()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
