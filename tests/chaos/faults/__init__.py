"""Every fault that a campaign can be made of, in the order of the table."""

from __future__ import annotations

from chaos.faults import contents, killing, network, releases, tampering

FAULTS = {
    fault.name: fault
    for fault in (*killing.FAULTS, *network.FAULTS, *tampering.FAULTS, *contents.FAULTS, *releases.FAULTS)
}
