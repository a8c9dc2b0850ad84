"""Every case known by name holds: seeds, what fuzzing has grown, and what it has ever found."""

from __future__ import annotations

import pytest

from fuzz.cases import Case
from fuzz.seeds import CORPUS, FINDINGS, findings
from fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_known_cases(name: str) -> None:
    """No rule of a target is broken by its seeds, nor by anything that a run has kept."""
    target = TARGETS[name]
    assert target.known
    for case in target.known:
        target.check(case)


FOUND = [(name, path) for name in TARGETS for path in findings(name)]


@pytest.mark.parametrize(("name", "path"), FOUND, ids=[path.stem for _, path in FOUND])
def test_what_was_found_is_mended(name: str, path) -> None:
    """A finding fails here until it is mended, and stays for good."""
    TARGETS[name].check(Case.from_json(path.read_text()))


def test_every_finding_is_of_a_target() -> None:
    """No file of the corpus is left out because its name is wrong."""
    assert sorted((CORPUS / FINDINGS).iterdir()) == sorted(path for _, path in FOUND)
    assert {path.stem for path in CORPUS.glob("*.jsonl")} <= set(TARGETS)


@pytest.mark.parametrize(
    "case",
    [
        Case(None, None, -1, (("a", None), ("\ufffd", b"\xff"))),
        Case(b"", b""),
        Case(bytes(range(256)) * 40, b"k" * 5_000),
    ],
)
def test_cases_are_kept_as_they_are(case: Case) -> None:
    """Whatever bytes, none, few or many: a case comes back from its line."""
    assert Case.from_json(case.to_json()) == case
    assert "\n" not in case.to_json()
