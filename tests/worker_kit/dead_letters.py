"""The dead-letter topic beside the set of refused records: each once, with its reason and its original bytes."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from palier.contracts.dead_letter import CUT_VALUE_BYTES, MAX_KEY_BYTES, DeadLetter
from worker_kit.poison import MIB


def dead_letter_faults(source, refused, messages):
    """Each refused record lies in the dead-letter topic once, with the reason, and with key, value and headers as they came.

    `source`: records by partition. `refused`: (partition, offset) -> reason.
    """
    read = {(message.partition(), message.offset()): message for message in chain(*source)}
    found = Counter()
    for message in messages:
        letter = DeadLetter.from_record(message.key(), message.value(), message.headers())
        place = (letter.partition, letter.offset)
        found[place] += 1
        if letter.reason != refused.get(place):
            yield f"dead letter of {place}: {letter.reason}, wanted {refused.get(place)}"
        elif not is_kept(letter, read[place]):
            yield f"dead letter of {place}: not the original bytes"
    if found != dict.fromkeys(refused, 1):
        yield f"{len(refused)} dead letters wanted, got {sum(found.values())} of {len(found)} records"


def is_kept(letter, original):
    """Whether it has the original, whole up to the limits of the contract."""
    key, value, headers = original.key(), original.value(), original.headers() or []
    if value is not None and len(value) > MIB:
        value = value[:CUT_VALUE_BYTES]
    if key is not None:
        key = key[:MAX_KEY_BYTES]
    kept = [(header.name, header.value) for header in letter.headers]
    return (
        (letter.key, letter.value) == (key, value)
        and kept == headers[: len(kept)]
        and len(kept) + letter.headers_left_out == len(headers)
    )
