"""Tables of the README that are made from code. `python tests/architecture/readme_tables.py` writes them."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from chaos.__main__ import titles
from chaos.ledger import PROOF, origin, read, table
from palier.contracts.topics import topics_table
from palier.errors import EXIT_MEANINGS
from palier.settings import Settings, settings_table
from palier_cli.app import app

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def commands_table():
    """Every command and its first line of help."""
    rows = ["| command | does |", "|---|---|"]
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        children = getattr(command, "commands", {})
        for path, leaf in [(f"{name} {child}", children[child]) for child in children] or [(name, command)]:
            summary = (leaf.help or "").strip().split("\n\n")[0].replace("\n", " ")
            rows.append(f"| `palier {path}` | {summary} |")
    return "\n".join(rows)


def exits_table():
    """Every exit code and what it means."""
    rows = ["| exit code | means |", "|---|---|"]
    return "\n".join(rows + [f"| {code.value} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()])


def faults_table():
    """What the ledger of the proof shows."""
    entries = read(PROOF)
    return f"{table(entries, titles())}\n\n*{origin(entries)}.*"


TABLES = {
    "topics": lambda: topics_table(Settings.model_construct()),
    "commands": commands_table,
    "exits": exits_table,
    "settings": settings_table,
    "faults": faults_table,
}


def with_fresh_tables(text):
    """The README's text with every marked table made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}", text)


if __name__ == "__main__":
    README.write_text(with_fresh_tables(README.read_text()))
