"""`palier pack`: validate and show rule packs."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from palier_cli.options import PackOption, chosen_pack

if TYPE_CHECKING:
    from palier.domain.pack import RulePack

app = typer.Typer(help="Validate a rule pack, print the one in force.", no_args_is_help=True)


@app.command()
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="Rule pack, a TOML file.")]) -> None:
    """Validate a rule pack.

    What is wrong is named by member and reason, with exit code 2.

    [bold]palier pack check rules.toml[/bold]
    """
    from palier.packs import load_pack

    print(f"{file}: {describe(load_pack(file))}")


@app.command()
def show(pack: PackOption = None) -> None:
    """Print the rule pack in force, as TOML.

    Save it, change its numbers, check it, and give it to a replay with --pack.

    [bold]palier pack show > rules.toml[/bold]
    """
    from palier.packs import load_pack, pack_source

    path = chosen_pack(pack)
    rules = load_pack(path)  # first: what cannot be in force must not be shown as if it were
    print(f"# {describe(rules)}", file=sys.stderr)
    sys.stdout.write(pack_source(path))


def describe(pack: RulePack) -> str:
    """One line that identifies a pack: name, version, what it holds, digest."""
    tiers = ", ".join(tier.name for tier in pack.tiers)
    return (
        f"{pack.name} version {pack.version}: {len(pack.axes)} axes, {len(pack.tiers)} tiers ({tiers}), "
        f"{len(pack.rules)} touchpoint types, digest {pack.digest[:12]}"
    )
