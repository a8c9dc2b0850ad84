"""What the naive model makes of touchpoints as they lie in a log, beside the tier changes that a product made of them."""

from __future__ import annotations

import json
from collections import defaultdict

from model.compare import pairwise, printed_change_dict
from model.naive import NaiveModel


def naive_chains(values, until_ms=None):
    """Contact -> its tier changes, for values that are touchpoints, in the order in which they were read."""
    model, chains = NaiveModel(), defaultdict(list)
    changes = [change for value in values for change in model.feed(json.loads(value))[1]]
    if until_ms is not None:
        changes += model.expire_all(until_ms)
    for change in changes:
        chains[change["contact_id"]].append(change)
    return chains


def naive_faults(values, chains, until_ms=None):
    """Where the naive model decides otherwise. `chains`: contact -> tier changes as parsed from JSON, in order."""
    naive = naive_chains(values, until_ms)
    for contact_id in sorted(naive.keys() | chains.keys()):
        got = [printed_change_dict(json.dumps(change)) for change in chains.get(contact_id, [])]
        yield from pairwise("naive model", naive.get(contact_id, []), got)
