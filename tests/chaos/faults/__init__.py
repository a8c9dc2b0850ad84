"""Every fault that a campaign can be made of, in the order of the table."""

from __future__ import annotations

from chaos.faults import killing

FAULTS = {fault.name: fault for fault in (*killing.FAULTS,)}
