"""What counts as a difference between a cluster and the contract, and what is an operator's own choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from palier.contracts.brokers import broker_settings
from palier.contracts.topics import topic_contracts
from palier.kafka.cluster import ClusterState, TopicState
from palier.kafka.differences import differences, settings_to_mend
from palier.kafka.releases import release_of
from palier.settings import Settings

if TYPE_CHECKING:
    from palier.contracts.topics import TopicContract

CONTRACTS = topic_contracts(Settings(partitions=4))
BROKERS = broker_settings(Settings())
TOUCHPOINTS, CHANGELOG = CONTRACTS[0], CONTRACTS[4]
DEFAULTS = {
    "unclean.leader.election.enable": "false",
    "max.message.bytes": "1048588",
    "min.insync.replicas": "1",
    "retention.bytes": "-1",
}


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
        {"segment_bytes": "1000000"},
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
    in_sync = "2" if replicas == 3 else "1"
    assert found(TOUCHPOINTS, topic(TOUCHPOINTS, replicas=replicas, min_insync_replicas=in_sync), brokers) == expected


@pytest.mark.parametrize(
    ("replicas", "in_sync", "needed", "blocks"),
    [(1, "1", None, False), (1, "2", "1", True), (2, "2", None, False), (3, "1", "2", False), (3, "2", None, False),
     (3, "3", None, False), (3, "4", "2", True)],
)  # fmt: skip
def test_a_write_waits_for_two_of_three_copies_and_never_for_more_than_there_are(replicas, in_sync, needed, blocks):
    """One of three loses acknowledged writes with one broker; more than there are, and no worker can ever commit."""
    expected = [] if needed is None else [("min.insync.replicas", needed, in_sync, blocks)]
    assert found(TOUCHPOINTS, topic(TOUCHPOINTS, replicas=replicas, min_insync_replicas=in_sync), replicas) == expected


def test_a_limit_by_size_is_told_and_left_to_the_operator():
    """It defeats retention.ms silently; but lifting it could fill a disk."""
    state = topic(TOUCHPOINTS, retention_bytes="1000000")
    assert found(TOUCHPOINTS, state) == [("retention.bytes", "-1 (no limit)", "1000000", False)]
    assert list(settings_to_mend(TOUCHPOINTS, state)) == []
    assert found(CHANGELOG, topic(CHANGELOG, retention_bytes="1000000")) == []


def test_records_of_a_mebibyte_fit_every_topic():
    """A cluster may have a default smaller than Kafka's own."""
    state = topic(CHANGELOG, max_message_bytes="100000")
    assert found(CHANGELOG, state) == [("max.message.bytes", "1048576", "100000", False)]


def test_kafkas_own_books_are_kept_as_safely_as_ours():
    """A commit is a record in __transaction_state: one copy of it is one broker away from losing commits."""
    state = ClusterState(
        {number: {} for number in range(3)},
        {"__transaction_state": TopicState(50, 0, 1, {"min.insync.replicas": "1"}, {})},
    )
    (difference,) = differences([], state)
    assert str(difference).startswith("__transaction_state: replication factor is 1, needed 3")
    assert not difference.blocks_worker


def test_leaders_that_may_lack_records_are_a_difference():
    """Unclean election loses acknowledged transactions; it is off on every topic of ours."""
    state = topic(TOUCHPOINTS, unclean_leader_election_enable="true")
    assert found(TOUCHPOINTS, state) == [("unclean.leader.election.enable", "false", "true", False)]


def broker_differences(release="4.0", brokers=BROKERS, **settings):
    """What differs on one broker with Kafka's defaults, but for what is given."""
    defaults = {
        "transaction.partition.verification.enable": "true",
        "transaction.max.timeout.ms": "900000",
        "socket.request.max.bytes": "104857600",
        "group.min.session.timeout.ms": "6000",
        "group.max.session.timeout.ms": "1800000",
    }
    changed = {name.replace("_", "."): value for name, value in settings.items()}
    state = ClusterState({1: {**defaults, **changed}}, {}, {1: release})
    return [(each.topic, each.what, each.actual, each.blocks_worker) for each in differences([], state, brokers)]


@pytest.mark.parametrize(
    ("name", "value", "blocks"),
    [
        ("transaction.partition.verification.enable", "false", False),
        ("transaction.max.timeout.ms", "20000", True),
        ("socket.request.max.bytes", "1000000", True),
        ("group.min.session.timeout.ms", "30000", True),
        ("group.max.session.timeout.ms", "10000", True),
    ],
)
def test_a_broker_set_otherwise_is_named(name: str, value: str, blocks: bool):  # noqa: FBT001 - a test's parameter
    """Where it would refuse what every worker asks for, no worker starts."""
    assert broker_differences() == []
    assert broker_differences(**{name.replace(".", "_"): value}) == [("broker 1", name, value, blocks)]


def test_a_session_must_lie_within_what_brokers_allow():
    """Else the group takes no worker in; the line names our setting and theirs."""
    short = broker_settings(Settings(session_timeout=2))
    assert broker_differences(brokers=short) == [("broker 1", "group.min.session.timeout.ms", "6000", True)]
    assert all("PALIER_SESSION_TIMEOUT" in each.remedy for each in short if each.name.startswith("group."))


def test_a_broker_that_shows_no_settings_is_given_the_benefit_of_the_doubt():
    """Managed clusters keep them to themselves."""
    assert differences([], ClusterState({1: {}}, {}), BROKERS) == []


@pytest.mark.parametrize(("release", "told"), [("older", True), ("3.8", True), ("3.9", False), ("4.1", False)])
def test_a_broker_of_an_old_release_is_named(release: str, told: bool):  # noqa: FBT001 - a test's parameter
    """Before 3.9 transactions lack checks; it works until it does not."""
    assert broker_differences(release) == ([("broker 1", "Kafka's release", release, False)] if told else [])


@pytest.mark.parametrize(
    ("produce", "fetch", "add_partitions", "release"),
    [(13, 18, 5, "4.1"), (12, 17, 5, "4.0"), (11, 17, 5, "3.9"), (11, 16, 5, "3.8"), (10, 16, 4, "3.7"), (9, 15, 4, "3.6"),
     (9, 15, 3, "3.5"), (9, 13, 3, "older")],
)  # fmt: skip
def test_a_release_is_known_by_the_newest_requests_it_speaks(produce, fetch, add_partitions, release):
    """As brokers of each release answer."""
    assert release_of({0: produce, 1: fetch, 24: add_partitions}) == release


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
