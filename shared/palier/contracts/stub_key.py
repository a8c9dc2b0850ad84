"""Where the stub of an erased contact lies in the changelog: found again by who knows the id, told to nobody else."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

STUB_PREFIX: Final = b"\0erased:"
"""Begins like no contact id can."""


def stub_key(key: bytes, salt: str) -> bytes:
    """The changelog key of the stub of the contact with this `key` (its id in UTF-8).

    `salt`: the application that the state began with, so that digests of one environment tell nothing in another. META
    carries it, since state may move to an application of another name (`palier state`), and nobody could make the
    digests again.
    """
    return STUB_PREFIX + sha256(salt.encode() + b"\0" + key).digest()
