"""Count and digest of a set of records that do not depend on their order or partition."""

from __future__ import annotations

from hashlib import blake2b

SIZE = 16


class SetDigest:
    """The sum of BLAKE2b-128 over all records, modulo 2^128: one lost, doubled or changed record changes it."""

    __slots__ = ("_sum", "count")

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, record: bytes) -> None:
        """One more record. Its bytes must tell where each of its parts ends."""
        self.count += 1
        self._sum += int.from_bytes(blake2b(record, digest_size=SIZE).digest(), "big")

    @property
    def hexadecimal(self) -> str:
        """32 digits; of no record at all: zeros."""
        return f"{self._sum % (1 << 8 * SIZE):0{2 * SIZE}x}"
