"""What a run of histories has to meet, so that nobody takes idle ones for a proof."""

from __future__ import annotations

EXPECTED = (
    "add_partitions: answer lost",
    "add_partitions: ghost accepted",
    "add_partitions: ghost refused",
    "append: answer lost",
    "append: ghost accepted",
    "append: ghost refused",
    "append: refused",
    "calls fenced",
    "copies ahead of the log",
    *(
        f"crashes before {command}"
        for command in (
            "Fence", "MeasureLogs", "EndHanging", "Recover", "ReadChangelogTail", "ReadOutput", "WriteAgain",
            "MeasureSource", "Seek", "SendOutputs", "SendChangelog", "Commit", "nothing",
        )
    ),
    "crashes in the middle of SendChangelog",
    "crashes in the middle of SendOutputs",
    "crashes in the middle of WriteAgain",
    "end_transaction: answer lost",
    "end_transaction: ghost accepted",
    "end_transaction: ghost refused",
    "end_transaction: request lost",
    "exits",
    "hanging transactions undone",
    "init_producer: answer lost",
    "init_producer: ghost accepted",
    "logs cleaned",
    "producers renewed",
    "rebalances: back at once",
    "rebalances: back later",
    "records refused outside of a transaction",
    "sources shortened",
    "transactions aborted",
    "transactions committed",
    "transactions of a stranger",
    "transactions that a successor aborted",
    "transactions timed out",
    "transactions with late markers",
    "transactions without some of their markers",
    "transactions written again",
    *(
        f"with {outputs} outputs, {states} states"
        for outputs, states in ((0, "and"), (1, "and"), (2, "and"), (1, "without"), (2, "without"))
    ),
    "workers beside a zombie",
    "zombies that found a successor when they renewed their producer",
)  # fmt: skip


def missing(met):
    """Those that were not met."""
    return [what for what in EXPECTED if not met[what]]
