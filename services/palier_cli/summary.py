"""What a replay has come to, as a table for people, on standard error."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from palier.domain.outcome import Capped, Duplicate, Erased, Late, Noted, Scored, Unknown
from palier.domain.pack import UNENGAGED
from palier.domain.tiers import headline_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.domain.pack import RulePack
    from palier_cli.replaying import Replay

OUTCOMES = (Scored, Noted, Capped, Duplicate, Late, Erased, Unknown)


def print_summary(result: Replay, pack: RulePack) -> None:
    """Lines by what became of them, tier changes by cause, contacts by tier."""
    outcomes = {outcome.name: result.outcomes[outcome.name] for outcome in OUTCOMES}
    refused = sum(result.refusals.values())
    console = Console(stderr=True)
    console.print(_table("Lines", {**outcomes, "refused": refused}, result.lines))
    if refused:
        console.print(_table("Refused, by reason", dict(result.refusals.most_common()), refused))
    judgement = result.judgement
    if judgement.verdicts:
        verdicts = {"bot": judgement.bots, "suspect": judgement.suspects}
        console.print(_table("Not human, by verdict", verdicts, judgement.verdicts.total()))
        evidence = dict(judgement.evidence.most_common())
        console.print(_table("What speaks against them", evidence, judgement.evidence.total()))
    if judgement.bot_withdrawals:
        console.print(f"Bots withdrew, and it holds: {_number(judgement.bot_withdrawals)}\n")
    if judgement.taken_back or judgement.not_reversible:
        console.print(
            f"Touchpoints taken back: {_number(judgement.taken_back)}; no longer, or not wholly reversible: "
            f"{_number(judgement.not_reversible)}\n"
        )
    console.print(_table("Tier changes, by cause", dict(result.causes.most_common()), sum(result.causes.values())))
    console.print(_table("Contacts, by tier", contacts_by_tier(result, pack), len(result.contacts)))


def contacts_by_tier(result: Replay, pack: RulePack) -> dict[str, int]:
    """How many contacts have each headline tier now, highest first; `erased` counts those of whom only a stub is left."""
    counts: Counter[str] = Counter()
    compiled = pack.compiled
    for state in result.contacts.values():
        counts["erased" if state.is_erased else headline_of(state.held, compiled)] += 1
    order = (*(tier.name for tier in reversed(pack.tiers)), UNENGAGED, "erased")
    return {name: counts[name] for name in order}


def _table(title: str, counts: Mapping[str, int], total: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), show_footer=True, header_style="bold", footer_style="bold")
    table.add_column(title, footer=" all\n", min_width=24)
    table.add_column(footer=_number(total), justify="right", min_width=9)
    for name, count in counts.items():
        table.add_row(f" {name}", _number(count), style=None if count else "dim")
    return table


def _number(count: int) -> str:
    """A count in groups of three: 12 345."""
    return f"{count:,}".replace(",", " ")
