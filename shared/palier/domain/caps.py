"""Step 8: how many touchpoints of a type score per UTC day, and per object and day.

Per day and type the state holds a count, or, where objects are capped too, one 4-byte digest for each touchpoint that
scored (of the empty string for one without object): as many digests as touchpoints.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from palier.domain.limits import DAY_MS, LATENESS_MS

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledRule
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

_DIGEST: Final = 4
"""One pair of objects in 4 billion is taken for the same, if of the same type and day. Longer digests would be most of
the state of a busy contact."""


@lru_cache(maxsize=16_384)
def _digest_of(object_id: str) -> bytes:
    """Contacts share mailings, pages and products: most objects come again soon."""
    return blake2b(object_id.encode(), digest_size=_DIGEST).digest()


_NO_OBJECT: Final = _digest_of("")


def use_cap(state: ContactState, touchpoint: Touchpoint, rule: CompiledRule) -> bool:
    """True if the touchpoint may score, and then every counter of its rule has gone up; False if any was full."""
    day = touchpoint.occurred_at // DAY_MS
    today = state.caps.get(day)
    used = None if today is None else today.get(rule.ref)
    count: int | bytes
    if rule.per_object is None:
        count = len(used) // _DIGEST if isinstance(used, bytes) else used or 0
        if count >= (rule.per_day or 0):
            return False
        count += 1
    else:
        digests = _NO_OBJECT * used if isinstance(used, int) else used or b""
        if rule.per_day is not None and len(digests) >= rule.per_day * _DIGEST:
            return False
        digest = _NO_OBJECT
        if touchpoint.object_id:
            digest = _digest_of(touchpoint.object_id)
            if digest in digests and _count(digest, digests) >= rule.per_object:
                return False
        elif rule.per_day is None:
            return True  # nothing to count it by
        count = digests + digest
    if today is None:
        if state.caps:
            _forget_days(state)
        state.caps[day] = {rule.ref: count}
    else:
        today[rule.ref] = count
    return True


def _count(digest: bytes, digests: bytes) -> int:
    return sum(digests[at : at + _DIGEST] == digest for at in range(0, len(digests), _DIGEST))


def _forget_days(state: ContactState) -> None:
    """Drops days that only late touchpoints could still ask for, once the day opened first is one of them."""
    caps, oldest = state.caps, (state.as_of - LATENESS_MS) // DAY_MS
    if next(iter(caps)) < oldest:
        state.caps = {day: used for day, used in caps.items() if day >= oldest}
