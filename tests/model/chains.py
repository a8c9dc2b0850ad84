"""What the naive model makes of touchpoints as they lie in a log, beside the tier changes that a product made of them."""

from __future__ import annotations

import json
from collections import defaultdict
from operator import itemgetter

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


def naive_chains_by_partition(partitions, first, newer_tables):
    """The same by partition, while packs follow one another.

    Args:
        partitions: by partition, place -> value.
        first: the table in force at the beginning.
        newer_tables: by partition, place -> the table in force from there on.

    Returns:
        (contact -> its tier changes, contacts of whom the contract does not say all).
    """
    chains, guesses = defaultdict(list), set()
    for values, tables in zip(partitions, newer_tables, strict=True):
        model, to_come = NaiveModel(first), sorted(tables.items(), key=itemgetter(0), reverse=True)
        for place, value in values.items():
            while to_come and to_come[-1][0] <= place:
                model.table = to_come.pop()[1]
            for change in model.feed(json.loads(value))[1]:
                chains[change["contact_id"]].append(change)
        guesses |= {contact_id for contact_id, contact in model.contacts.items() if contact.is_anybodys_guess}
    return chains, guesses


def naive_faults(values, chains, until_ms=None):
    """Where the naive model decides otherwise. `chains`: contact -> tier changes as parsed from JSON, in order."""
    return differences(naive_chains(values, until_ms), chains)


def differences(naive, chains, left_out=frozenset()):
    """The same for the naive model's chains; contacts that are `left_out` are not compared."""
    for contact_id in sorted((naive.keys() | chains.keys()) - left_out):
        got = [printed_change_dict(json.dumps(change)) for change in chains.get(contact_id, [])]
        yield from pairwise("naive model", naive.get(contact_id, []), got)
