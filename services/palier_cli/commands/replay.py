"""`palier replay`: decide the tiers of a log without Kafka."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from palier_cli.options import LogArgument, PackOption, chosen_pack, moment, now_ms

if TYPE_CHECKING:
    from palier.domain.outcome import TierChange


def replay(
    *,
    file: LogArgument = None,
    pack: PackOption = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Then let time pass until here: contacts silent for too long lose their tiers."
        ),
    ] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Afterwards a table on standard error.")] = False,
) -> None:
    """Decide the tiers of a log, without Kafka.

    Touchpoints in, tier changes out, both as JSON lines. The same rules and the same code as the worker; the same log gives the same bytes every time. A line that is no
    touchpoint is reported on standard error as a JSON line (line, reason, message) and does not stop the replay.

    [bold]palier replay log.jsonl.gz --summary > changes.jsonl[/bold]
    [bold]zcat log.jsonl.gz | palier replay --until 2026-03-01T00:00:00Z[/bold]
    """
    from palier.contracts.tier_change import tier_change_json
    from palier.packs import load_pack
    from palier_cli.lines import open_log
    from palier_cli.refusals import report_refusal
    from palier_cli.replaying import replay as replay_lines

    rules = load_pack(chosen_pack(pack))
    until_ms = moment(until, "--until") if until is not None else None
    write = sys.stdout.buffer.write

    def changed(change: TierChange, recorded_at: int) -> None:
        write(tier_change_json(change, rules, recorded_at) + b"\n")

    with open_log(file) as log:
        result = replay_lines(
            log,
            rules,
            latest_ms=until_ms if until_ms is not None else now_ms(),
            until_ms=until_ms,
            changed=changed,
            refused=report_refusal,
        )
    sys.stdout.flush()
    if summary:
        from palier_cli.summary import print_summary

        print_summary(result, rules)
