"""CI, hooks and decisions: small promises that a machine can keep."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from external_tools import output_of

ROOT = Path(__file__).parents[2]


def test_ci_runs_what_the_readme_says(tmp_path: Path) -> None:
    """The test command is taken from the block under the marker, whole and alone; without a marker nothing passes."""
    readme = tmp_path / "README.md"
    readme.write_text("```sh\nnot this\n```\n<!-- test-command -->\n\n```sh\nthis --one\n```\n```sh\nnor this\n```\n")
    assert output_of("bash", ".ci/test-command", readme) == "this --one\n"
    for wrong in ("```sh\nthis\n```\n", "<!-- test-command -->\nwords\n```sh\nthis\n```\n", "<!-- test-command -->\n"):
        readme.write_text(wrong)
        done = subprocess.run(["bash", ".ci/test-command", readme], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 1, wrong


def test_hooks_fetch_nothing() -> None:
    """Pre-commit runs local hooks only, with tools of the project's own environment."""
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            assert hook["entry"].startswith(".venv/bin/")


def test_ci_and_hooks_use_the_same_tools() -> None:
    """What a hook lets through, CI lets through: linter, formatter, types and layers are in both."""
    ci = (ROOT / ".ci/run").read_text()
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    for tool in (".venv/bin/ruff check", ".venv/bin/ruff format", ".venv/bin/mypy", ".venv/bin/lint-imports"):
        assert tool in ci
        assert tool in hooks


@pytest.mark.parametrize("page", sorted((ROOT / "deploy/decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_is_one_page(page: Path) -> None:
    """Each says context, choice, price and what would change our mind, within a page; its links lead somewhere."""
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == [
        "Context",
        "Choice",
        "Price",
        "What would change our mind",
    ]
    assert len(text.split()) <= 600
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
