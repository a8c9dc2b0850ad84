"""A few dozen random bytes as a row of decisions.

Hypothesis draws them as one value and a fuzzer mutates them as they are; taken apart here, they cost a tenth of as many
draws.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Made = TypeVar("Made")

USUAL_LENGTH = 40


class Script:
    """Decisions read from bytes, one after the other; after the last byte every decision is the first choice."""

    def __init__(self, decisions: bytes) -> None:
        self._decisions = decisions
        self._place = 0

    def take(self, count: int) -> bytes:
        """So many bytes as they are."""
        taken = self._decisions[self._place : self._place + count]
        self._place += count
        return taken.ljust(count, b"\0")

    def below(self, bound: int) -> int:
        """0 to bound - 1."""
        return int.from_bytes(self.take(1 if bound <= 256 else 2 if bound <= 65_536 else 3)) % bound

    def one_in(self, many: int) -> bool:
        """Seldom true, and never at the script's end."""
        return self.below(many) == many - 1

    def choice(self, items: Sequence[Item]) -> Item:
        """One of them; the first if the script has come to its end."""
        return items[self.below(len(items))]

    def piece(self, length: int, most: int) -> slice:
        """A slice of a sequence of that length, at most so many of its items; may be empty, and lie at its end."""
        begin = self.below(length + 1)
        return slice(begin, begin + (self.below(most + 1) if most else 0))

    def integer(self) -> int:
        """Of one to nine bytes, of either sign."""
        return int.from_bytes(self.take(1 + self.below(9)), signed=True)

    def decimal(self) -> float:
        """Any finite one."""
        number: float = struct.unpack("<d", self.take(8))[0]
        return number if math.isfinite(number) else 0.0

    def text(self, most: int) -> str:
        """Of characters that readers treat in different ways."""
        return "".join(self.choice(_CHARACTERS) for _ in range(self.below(most + 1)))


_CHARACTERS = (
    *"a1:-.+TZ\"\\/[]{},' \t\n\r\0\x1f\x7f\x80\x9f\xa0\xad\xdf\u0130\u0661\u200d\u2028\u202e\ue000\ufeff\ufffd\uffff",
    "\U0001f389",
    "\U0010ffff",
)


def scripted(make: Callable[[Script], Made], length: int = USUAL_LENGTH) -> st.SearchStrategy[Made]:
    """What is made of a random script of so many bytes."""
    return st.binary(min_size=length, max_size=length).map(lambda decisions: make(Script(decisions)))
