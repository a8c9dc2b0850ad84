"""The README says what the code does."""

from __future__ import annotations

import re

from architecture.readme_tables import BLOCK, README, TABLES, with_fresh_tables


def test_tables_are_fresh(monkeypatch):
    """Topics, commands, exit codes and settings: run `python tests/architecture/readme_tables.py` after a change."""
    text = README.read_text()
    assert {found[1] for found in BLOCK.findall(text)} == set(TABLES)
    assert text == with_fresh_tables(text)


def test_links_lead_somewhere():
    """Every relative link of the README names a file or folder of the project."""
    targets = [link for link in re.findall(r"\]\(([^)]+)\)", README.read_text()) if "://" not in link]
    assert targets
    missing = [link for link in targets if not (README.parent / link).exists()]
    assert missing == []


def test_both_commands_are_one_line():
    """A newcomer copies one line and has it running."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 2
    assert all(block.count("\n") == 1 for block in blocks)
    assert blocks[0].rstrip().endswith("palier demo")
    assert blocks[1].rstrip().endswith("python -m pytest -n 2 --dist worksteal")
