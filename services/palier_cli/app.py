"""Which commands there are. Importing this imports no Kafka client, no settings and no domain: `--help` answers at once."""

from __future__ import annotations

import typer

from palier_cli.commands import contracts, demo, explain, kafka, pack, publish, replay, state, topics, worker

app = typer.Typer(
    name="palier",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    # Tracebacks are for faults of ours; then the plain one, without the values of local variables (they hold contacts).
    pretty_exceptions_enable=False,
    help="Turns every contact's touchpoints into engagement tiers, in real time, and says why.\n\n"
    "[bold]palier demo[/bold]                           broker, worker and traffic in one go\n"
    "[bold]palier replay log.jsonl --summary[/bold]     the tiers of a log, without Kafka\n"
    "[bold]palier explain ada --from log.jsonl[/bold]   why is she in this tier?",
)

TRY, RUN, OWN = "Try it", "Run it", "Rules and contracts"

app.command("demo", rich_help_panel=TRY)(demo.demo)
app.command("replay", rich_help_panel=TRY)(replay.replay)
app.command("explain", rich_help_panel=TRY)(explain.explain)
app.command("worker", rich_help_panel=RUN, cls=worker.WorkerCommand)(worker.worker)
app.command("publish", rich_help_panel=RUN)(publish.publish)
app.command("topics", rich_help_panel=RUN)(topics.topics)
app.add_typer(state.app, name="state", rich_help_panel=RUN)
app.command("kafka", rich_help_panel=RUN)(kafka.kafka)
app.add_typer(pack.app, name="pack", rich_help_panel=OWN)
app.command("contracts", rich_help_panel=OWN)(contracts.contracts)
