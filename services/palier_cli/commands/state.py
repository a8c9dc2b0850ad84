"""`palier state`: take what is known of all contacts out of an application, and bring it into another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from palier_cli.options import now_ms

if TYPE_CHECKING:
    from palier.moving.contents import Seal

app = typer.Typer(
    no_args_is_help=True,
    help="Move the state of all contacts: to another number of partitions or cluster, into a backup and back.",
)

StateFileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="State file.")]


@app.command("export")
def export(
    file: StateFileArgument,
    *,
    undrained: Annotated[
        bool,
        typer.Option(
            "--undrained",
            help="A backup: touchpoints may be left to fold. It can be imported only onto the same topic of touchpoints.",
        ),
    ] = False,
) -> None:
    """Write the state of all contacts to a file.

    Stop the workers first, once they have read to the end. Takes sequences, consents, timers, erased contacts and tier-current; checks that all of it can be read. Nothing in Kafka is changed. The file holds personal data; it is readable by its owner alone.

    [bold]palier state export contacts.palier[/bold]
    """
    import asyncio

    from palier.moving.exporting import export_state
    from palier.settings import load_settings
    from palier_cli.stages import stages
    from palier_cli.topic_care import reach_broker

    settings = load_settings()

    async def run() -> None:
        await reach_broker(settings)
        with stages() as progressed:
            exported = await export_state(settings, file, undrained=undrained, now_ms=now_ms(), progressed=progressed)
        print(f"{settings.application}, {settings.partitions} partitions: {_counted(exported.seal)}")
        print(f"{file}: {exported.bytes / 1e6:,.1f} MB, digest {exported.seal.digest}")
        if unread := sum(part.unread for part in exported.parts):
            print(f"{unread} records of touchpoints are not folded yet: a backup for the same topic only")

    asyncio.run(run())


@app.command("import")
def import_(file: StateFileArgument) -> None:
    """Make the state in a file that of an application, under another PALIER_APP_ID.

    Its workers are stopped, its topics made (`palier topics --apply`), its state is empty. Onto the same topic of touchpoints it goes on where the former application stood; onto another one, with as many partitions as you like, it begins at the beginning. What was written is read back and compared before it counts.

    [bold]PALIER_APP_ID=palier-tiers-2 PALIER_TOUCHPOINTS_TOPIC=touchpoints-12 PALIER_PARTITIONS=12 ... palier state import contacts.palier[/bold]
    """
    import asyncio

    from palier.moving.importing import import_state
    from palier.moving.state_file import open_state_file
    from palier.settings import load_settings
    from palier_cli.stages import stages
    from palier_cli.topic_care import reach_broker

    settings = load_settings()

    async def run() -> None:
        state_file = open_state_file(file)
        await reach_broker(settings)
        with stages() as progressed:
            imported = await import_state(settings, state_file, progressed)
        former = state_file.header
        print(f"{settings.application}, {settings.partitions} partitions: {_counted(imported.seal)}")
        print(
            f"from {former.application}, {former.partitions} partitions; digest {imported.seal.digest}, read back and found equal"
        )
        where = "where the former application stood" if imported.in_place else "from the beginning"
        print(f"it goes on with {settings.topic_prefix}{settings.touchpoints_topic} {where}")
        if imported.grown:
            print(
                f"palier: {former.touchpoints} has grown by {imported.grown} since the export: if upstream has not moved "
                "yet, those touchpoints are not in this state",
                file=sys.stderr,
            )

    asyncio.run(run())


def _counted(seal: Seal) -> str:
    return f"{seal.contacts} contacts, {sum(seal.erased.values())} erased ones, {seal.currents} current tiers"
