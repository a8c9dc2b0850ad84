"""What counts as a difference between a cluster and the contract, and what is an operator's own choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from palier.contracts.topics import topic_contracts
from palier.kafka.cluster import ClusterState, TopicState
from palier.kafka.topics import differences
from palier.settings import Settings

if TYPE_CHECKING:
    from palier.contracts.topics import TopicContract

CONTRACTS = topic_contracts(Settings(partitions=4))
TOUCHPOINTS, CHANGELOG = CONTRACTS[0], CONTRACTS[4]
DEFAULTS = {"unclean.leader.election.enable": "false"}


def topic(contract: TopicContract, *, partitions: int = 4, leaderless: int = 0, replicas: int = 1, **settings: str):
    """The topic as the contract wants it, but for what is given; dots of a setting's name are underscores here."""
    changed = {name.replace("_", "."): value for name, value in settings.items()}
    return TopicState(partitions, leaderless, replicas, {**DEFAULTS, **contract.settings, **changed}, {})


def found(contract: TopicContract, state: TopicState, brokers: int = 1) -> list[tuple[str, str, str, bool]]:
    cluster = ClusterState({number: {} for number in range(brokers)}, {contract.name: state})
    return [(each.what, each.expected, each.actual, each.blocks_worker) for each in differences([contract], cluster)]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_a_topic_as_contracted_differs_in_nothing(contract: TopicContract):
    """The contract itself is accepted, for every topic."""
    assert found(contract, topic(contract)) == []


@pytest.mark.parametrize(
    "choice",
    [
        {"retention_ms": "-1"},
        {"retention_ms": "9999999999"},
        {"max_message_bytes": "8388608"},
        {"min_insync_replicas": "2"},
    ],
)
def test_keeping_more_is_the_operators_choice(choice: dict[str, str]):
    """Longer retention, larger records and settings outside the contract are nobody's mistake: mending would destroy."""
    assert found(TOUCHPOINTS, topic(TOUCHPOINTS, **choice)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("max.compaction.lag.ms", "9223372036854775807"), ("segment.ms", "604800000"), ("delete.retention.ms", "1")],
)
def test_compacting_later_or_forgetting_deletions_sooner_is_a_difference(name: str, value: str):
    """Compaction settings are limits: more often is fine, less often is not; tombstones must be kept long enough."""
    state = topic(CHANGELOG, **{name.replace(".", "_"): value})
    assert found(CHANGELOG, state) == [(name, CHANGELOG.settings[name], value, False)]
    sooner = topic(CHANGELOG, max_compaction_lag_ms="1000", segment_ms="1000", delete_retention_ms="9999999999")
    assert found(CHANGELOG, sooner) == []


@pytest.mark.parametrize("policy", ["delete", "compact,delete", "delete,compact"])
def test_a_changelog_that_deletes_stops_the_worker(policy: str):
    """With deletion in any form the changelog loses contacts; no worker may start on it."""
    assert found(CHANGELOG, topic(CHANGELOG, cleanup_policy=policy)) == [("cleanup.policy", "compact", policy, True)]


def test_other_cleanup_policies_do_not_stop_the_worker():
    """A compacted touchpoints topic is reported, but nothing the worker holds is at stake."""
    state = topic(TOUCHPOINTS, cleanup_policy="compact")
    assert found(TOUCHPOINTS, state) == [("cleanup.policy", "delete", "compact", False)]


@pytest.mark.parametrize(("brokers", "replicas", "needed"), [(1, 1, None), (2, 1, "2"), (3, 2, "3"), (9, 3, None)])
def test_three_replicas_where_there_are_brokers_for_them(brokers: int, replicas: int, needed: str | None):
    """One broker carries one copy; from three brokers on each partition has three."""
    expected = [] if needed is None else [("replication factor", needed, str(replicas), False)]
    assert found(TOUCHPOINTS, topic(TOUCHPOINTS, replicas=replicas), brokers) == expected


def test_leaders_that_may_lack_records_are_a_difference():
    """Unclean election loses acknowledged transactions; it is off on every topic of ours."""
    state = topic(TOUCHPOINTS, unclean_leader_election_enable="true")
    assert found(TOUCHPOINTS, state) == [("unclean.leader.election.enable", "false", "true", False)]


def test_brokers_verify_transactions_as_far_as_they_let_us_see():
    """A broker with verification off is named; one that shows no settings is given the benefit of the doubt."""
    off = {"transaction.partition.verification.enable": "false"}
    cluster = ClusterState({1: {}, 2: off}, {TOUCHPOINTS.name: topic(TOUCHPOINTS, replicas=2)})
    (difference,) = differences([TOUCHPOINTS], cluster)
    assert difference.topic == "broker 2"
    assert not difference.blocks_worker


def test_what_stops_the_worker_comes_first():
    """The first line of the report is the one to act on."""
    cluster = ClusterState(
        {1: {}},
        {
            TOUCHPOINTS.name: topic(TOUCHPOINTS, max_message_bytes="1", leaderless=2),
            CHANGELOG.name: topic(CHANGELOG, partitions=3),
        },
    )
    report = differences([TOUCHPOINTS, CHANGELOG], cluster)
    assert [each.what for each in report] == ["partitions without a leader", "partition count", "max.message.bytes"]
    assert [each.blocks_worker for each in report] == [True, True, False]
