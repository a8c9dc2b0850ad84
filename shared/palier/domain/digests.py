"""Names told apart by four bytes: objects and links, of which a contact remembers many and spells none."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final

SHORT: Final = 4
"""One pair of names in 4 billion is taken for the same. Longer digests would be most of the state of a busy contact."""


@lru_cache(maxsize=16_384)
def short_digest_of(name: str) -> bytes:
    """Contacts share mailings, pages, products and links: most names come again soon."""
    return blake2b(name.encode(), digest_size=SHORT).digest()


@lru_cache(maxsize=16_384)
def short_number_of(name: str) -> int:
    """The same as a number."""
    return int.from_bytes(short_digest_of(name), "big")
