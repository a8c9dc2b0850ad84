"""The oracle bites: short form of `python -m chaos mutants`, which hunts all of them, and the worker as it is beside them."""

from __future__ import annotations

import pytest

from chaos.mutants import MUTANTS, hunt
from chaos.mutations import MUTATIONS
from chaos.world import Place

QUICK = ("sequence-restarted", "outputs-outside", "sends-not-awaited")


def test_every_mutation_is_hunted():
    """None is made without a fault that must convict it."""
    assert MUTANTS.keys() == MUTATIONS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_mutant_is_found_guilty_of_what_is_wrong_with_it(name, kafka):
    """A worker with one thing broken does not pass for exact, however well it works otherwise."""
    shared = Place(kafka.brokers, kafka.brokers, shortest_session_s=6 if kafka.kind == "given" else 2)
    ended = hunt(MUTANTS[name], shared, say=print)
    assert ended.evidence is not None, ended.others
