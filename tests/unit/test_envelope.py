"""What stands before each encoded state."""

from __future__ import annotations

import pytest

from palier.engine.meta import Envelope


@pytest.mark.parametrize("offset", [-1, 0, 2**62])
def test_an_envelope_keeps_what_it_was_given(offset):
    """-1 too: imported state falls due before any record of the new topic was read."""
    envelope = Envelope.pack(Envelope.VERSION, 7, offset, Envelope.LATEST_S)
    assert len(envelope) == Envelope.SIZE
    assert Envelope.unpack(envelope + b"state") == (7, offset, Envelope.LATEST_S)
    assert Envelope.version_and_due(envelope + b"state") == (Envelope.VERSION, Envelope.LATEST_S)
    assert Envelope.due_in(envelope + b"state") == Envelope.LATEST_S
