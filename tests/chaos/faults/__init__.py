"""Every fault that a campaign can be made of, in the order of the table."""

from __future__ import annotations

from chaos.faults import brokers, contents, killing, machine, network, releases, tampering

FAULTS = {
    fault.name: fault
    for fault in (
        *killing.FAULTS,
        *network.FAULTS,
        *brokers.FAULTS,
        *machine.FAULTS,
        *tampering.FAULTS,
        *contents.FAULTS,
        *releases.FAULTS,
    )
}
