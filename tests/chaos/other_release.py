"""A worker of another release: it writes states of another version, and refuses those that are newer than its own.

RELEASE names a file that holds the version, so that whoever starts it again may have upgraded it meanwhile.
The first is this release itself; beyond it, states carry something more at the end. (What this one reads of older ones
tests/unit/test_contact_state.py shows: they lack what cannot be had from what they know.)
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import msgspec

from palier.contracts.contact_state import STATE_VERSION, UnknownStateVersionError, decode_state, encode_state
from palier.domain.state import ContactState
from palier_tiers import processor
from palier_tiers.__main__ import start

VARIABLE = "RELEASE"
THIS = STATE_VERSION
LONGEST_STUB = 3
NOVELTY = "what only a newer release knows"


def encode_as(version, state):
    """The state's bytes, as the release of that version writes them."""
    _, *fields = msgspec.msgpack.decode(encode_state(state))
    if len(fields) > LONGEST_STUB and version > THIS:
        fields = [*fields, NOVELTY]
    return msgspec.msgpack.encode((version, *fields))


def decode_as(version, encoded):
    """The state, as the release of that version reads it: its own bytes and older ones.

    Raises:
        UnknownStateVersionError: it is newer.
    """
    found, *fields = msgspec.msgpack.decode(encoded)
    if found > version:
        raise UnknownStateVersionError(f"a contact's state has version {found}: run the newer one")
    if found <= THIS:
        return decode_state(encoded)
    return ContactState.from_fields(fields if len(fields) <= LONGEST_STUB else fields[:-1])


def as_encoded(wanted, found):
    """A state of this release as the one that wrote `found` would have encoded it."""
    return encode_as(msgspec.msgpack.decode(found)[0], decode_state(wanted))


def become(version):
    """Make this process a worker of that release."""
    processor.STATE_VERSION = version
    processor.TouchpointProcessor.encode = staticmethod(partial(encode_as, version))
    processor.TouchpointProcessor.decode = staticmethod(partial(decode_as, version))


def main():
    become(int(Path(os.environ[VARIABLE]).read_text()))
    start()


if __name__ == "__main__":
    main()
