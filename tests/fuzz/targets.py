"""The targets: what is generated and what must hold of it. One test of Hypothesis each, for pytest and the fuzzer alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings

from fuzz import generators, rules, seeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from fuzz.cases import Case


@dataclass(frozen=True)
class Target:
    """One thing to fuzz.

    Attributes:
        name: of the target, as the command and the corpus call it.
        seeds: gives what fuzzing begins with.
        strategy: makes cases of the seeds.
        check: raises if a rule does not hold of a case.
        share: its part of a run's time, beside the parts of the others.
    """

    name: str
    seeds: Callable[[], list[Case]]
    strategy: Callable[[list[Case]], SearchStrategy[Case]]
    check: Callable[[Case], None]
    share: int

    @property
    def known(self) -> list[Case]:
        """Every case that is not made by chance: seeds and corpus."""
        return [*self.seeds(), *seeds.corpus(self.name)]

    @cached_property
    def cases(self) -> SearchStrategy[Case]:
        """Cases without end."""
        return self.strategy(seeds.mutable(self.known))

    def test(self, visit: Callable[[Case], None], examples: int = 100) -> Callable[[], None]:
        """A test of Hypothesis that shows cases to `visit`; `.hypothesis.fuzz_one_input` is the fuzzer's door to it."""

        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(self.cases)
        def fuzzed(case: Case) -> None:
            visit(case)

        return fuzzed


TARGETS = {
    target.name: target
    for target in (
        Target("values", seeds.values, generators.values, rules.check_value, 24),
        Target("records", seeds.records, generators.records, rules.check_record, 18),
        Target("states", seeds.states, generators.packed, rules.check_state, 6),
        Target("metas", seeds.metas, generators.packed, rules.check_meta, 4),
        Target("dead-letters", seeds.dead_letters, generators.dead_letters, rules.check_dead_letter, 4),
        Target("moments", seeds.moments, generators.moment_texts, rules.check_moment, 4),
    )
}
