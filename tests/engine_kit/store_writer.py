"""A process that writes a RocksStore until it is killed: `python -m engine_kit.store_writer FOLDER`.

Batch n holds every key of KEYS with its number, a key of its own, and deletes the one of batch n - KEPT: what must be
there at a mark can be told from the mark alone. Each number goes to standard output once it is written.
"""

from __future__ import annotations

import sys
from hashlib import shake_128
from itertools import count
from pathlib import Path

from palier.engine.meta import Meta
from palier.engine.rocksdb_store import RocksStore
from palier.engine.store import Mark

WRITTEN_MS = 1_800_000_000_000
KEYS = 100
KEPT = 50
FILLING_BYTES = 800


def batch(number: int) -> dict[bytes, bytes | None]:
    """What transaction `number` did."""
    keys = [b"own-%08d" % number, *(b"every-%03d" % key for key in range(KEYS))]
    states: dict[bytes, bytes | None] = {key: _value(key, number) for key in keys}
    states[b"own-%08d" % (number - KEPT)] = None
    return states


def _value(key: bytes, number: int) -> bytes:
    """A state that tells where it comes from, and does not compress."""
    return b"%08d" % number + shake_128(b"%s %d" % (key, number)).digest(FILLING_BYTES)


def expected(number: int) -> dict[bytes, bytes]:
    """All states after transaction `number`."""
    states: dict[bytes, bytes] = {}
    for one in range(max(1, number - KEPT), number + 1):
        for key, value in batch(one).items():
            if value is None:
                states.pop(key, None)
            else:
                states[key] = value
    return states


def mark(number: int) -> Mark:
    """The mark of transaction `number`."""
    return Mark(Meta(batch_number=number), number * (KEYS + 3), WRITTEN_MS)


def main() -> None:
    """Go on where the mark stands, for ever."""
    store = RocksStore(Path(sys.argv[1]), limit_s=3_600, now_s=lambda: WRITTEN_MS / 1000)
    begun = store.mark.meta.batch_number if store.mark is not None else 0
    for number in count(begun + 1):
        store.write(batch(number).items(), mark(number))
        print(number, flush=True)


if __name__ == "__main__":
    main()
