"""The targets under plain Hypothesis: what the fuzzer does for an hour, for a few seconds."""

from __future__ import annotations

import pytest

from fuzz.targets import TARGETS

EXAMPLES = 1_000


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str) -> None:
    """No input that can be made breaks a rule of the target."""
    TARGETS[name].test(TARGETS[name].check, EXAMPLES)()
