"""The places inside Faust, mode and aiokafka that the engine depends on. A new release that moves one fails here first."""

from __future__ import annotations

import asyncio
import inspect
import time
from importlib.metadata import version
from types import SimpleNamespace

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer import consumer as consumer_module
from aiokafka.consumer import fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState, TopicPartitionState
from aiokafka.producer.sender import AddPartitionsToTxnHandler, EndTxnHandler, Sender, SendProduceReqHandler
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.protocol.admin import ApiVersionRequest, ApiVersionResponse_v0
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import JoinGroupRequest, LeaveGroupRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.transaction import EndTxnRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.app import base as app_base
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.tables.table import Table
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from mode.services import ServiceTask

from palier.engine.dated_answers import asked_for, date_answers
from palier.engine.recovery import BatchRecovery, BatchTableManager
from palier.engine.stored_records import hand_out_records_as_stored
from palier.engine.table import PartitionedTable
from palier.engine.transport import BatchConsumer, BatchConsumerThread, BatchTransport


def parameters(function):
    """Names of a function's parameters."""
    return list(inspect.signature(function).parameters)


def test_versions_are_the_ones_the_engine_was_proved_on():
    """The pins of pyproject.toml; raise them together with this test, after the fault suite."""
    installed = {name: version(name) for name in ("faust-streaming", "mode-streaming", "aiokafka")}
    assert installed == {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}


@pytest.mark.parametrize(
    ("ours", "stock", "names"),
    [
        (
            BatchConsumer,
            driver.Consumer,
            ["_new_consumer_thread", "_drain_messages", "wait_empty", "on_partitions_assigned", "perform_seek",
             "seek_wait", "commit", "verify_event_path", "on_task_error"],
        ),
        (BatchConsumerThread, driver.AIOKafkaConsumerThread, ["_create_worker_consumer"]),
        (BatchTableManager, TableManager, ["on_start", "recovery"]),
        (PartitionedTable, Table, ["_new_store"]),
    ],
)  # fmt: skip
def test_what_we_override_exists_and_is_called_alike(ours, stock, names):
    """An override of a method that Faust no longer has, or calls otherwise, would be silently dead."""
    for name in names:
        theirs, mine = inspect.getattr_static(stock, name), inspect.getattr_static(ours, name)
        if isinstance(theirs, property):
            assert isinstance(mine, property)
        else:
            assert parameters(theirs)[: len(parameters(mine))] == parameters(mine), name


def test_stock_recovery_tasks_are_replaced_as_tasks():
    """Mode looks tasks up by name and insists that an override is a task too."""
    for name in ("_slurp_changelogs", "_publish_stats", "_restart_recovery"):
        assert isinstance(inspect.getattr_static(Recovery, name), ServiceTask)
        assert isinstance(inspect.getattr_static(BatchRecovery, name), ServiceTask)
    for name in ("_set_recovery_started", "_set_recovery_ended", "_wait"):
        assert callable(getattr(Recovery, name))
    assert issubclass(RebalanceAgain, Exception)
    assert issubclass(ServiceStopped, Exception)


def test_faust_fences_through_our_callback():
    """The app's own rebalance handlers call what the engine hangs on, in the order it needs."""
    assigned = inspect.getsource(app_base.App._on_partitions_assigned)
    revoked = inspect.getsource(app_base.App._on_partitions_revoked)
    assert "tables.on_rebalance" in assigned
    assert revoked.index("stop_flow") < revoked.index("_consumer_wait_empty")
    assert "stream_wait_empty" in inspect.getsource(app_base.App._consumer_wait_empty)
    for name in ("wait_first", "stop_flow", "resume_flow", "_get_active_partitions"):
        assert callable(getattr(Consumer, name))
    assert BatchTransport.Consumer is BatchConsumer


def test_aiokafka_reads_isolation_and_wait_in_start():
    """Both are set between construction and start."""
    source = inspect.getsource(AIOKafkaConsumer.start)
    assert "isolation_level=self._isolation_level" in source
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in source


def test_stock_tables_start_as_ours_do_but_for_a_pause():
    """Our table manager repeats the stock one's start without its second of sleep."""
    source = inspect.getsource(TableManager.on_start)
    assert [line.strip() for line in source.splitlines() if "await" in line] == [
        "await self.sleep(1.0)", "await self._update_channels()", "await self.recovery.start()",
    ]  # fmt: skip


def read(value_deserializer):
    """One record as a fetch hands it out."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1_000)
    batch.append(0, 1_700_000_000_000, b"key", b"value", [("name", b"content")])
    fetched = fetcher.MemoryRecords(bytes(batch.build()))
    (record,) = fetcher.PartitionRecords(
        TopicPartition("topic", 3), fetched, [], 0, None, value_deserializer, True, fetcher.READ_COMMITTED
    )
    return record


def test_only_our_consumer_gets_records_as_stored(monkeypatch):
    """Without aiokafka's wrapper, with all that a Record promises; any other consumer of the process gets the wrapper."""
    monkeypatch.setattr(fetcher, "PartitionRecords", fetcher.PartitionRecords)  # put back afterwards
    consumer = SimpleNamespace()
    hand_out_records_as_stored(consumer)
    ours, other = read(consumer._value_deserializer), read(None)
    assert type(other) is ConsumerRecord
    assert type(ours) is not ConsumerRecord
    for name in ("offset", "timestamp", "key", "value"):
        assert getattr(ours, name) == getattr(other, name), name
    assert list(ours.headers) == list(other.headers) == [("name", b"content")]
    assert "value_deserializer=self._value_deserializer" in inspect.getsource(AIOKafkaConsumer.start)
    assert "PartitionRecords(" in inspect.getsource(fetcher.Fetcher._proc_fetch_request)


def test_aiokafka_keeps_positions_where_we_look():
    """position, last stable offset."""
    assert callable(SubscriptionState.__init__)
    source = inspect.getsource(TopicPartitionState.__init__)
    assert "self._position" in source
    assert all(f"self.{name}" in source for name in ("lso", "highwater", "timestamp"))


def test_answers_are_dated_by_when_they_were_asked_for(monkeypatch):
    """One that says nothing new of a partition, an error for instance, leaves the date that it had."""

    async def answered(_fetcher, assignment, _node_id, request):
        assignment.asked = time.time()
        await asyncio.sleep(0.02)
        assignment.states["told"].timestamp = 2
        return True

    monkeypatch.setattr(fetcher.Fetcher, "_proc_fetch_request", answered)
    states = {name: SimpleNamespace(timestamp=1) for name in ("told", "error")}
    assignment = SimpleNamespace(states=states, state_value=lambda tp: states.get(tp.topic))
    request = SimpleNamespace(topics=[("told", [(0, 17, 100)]), ("error", [(0, 1, 100)]), ("gone", [(0, 1, 100)])])
    monkeypatch.setattr(consumer_module, "Fetcher", fetcher.Fetcher)  # put back afterwards
    date_answers()
    dating = consumer_module.Fetcher.__new__(consumer_module.Fetcher)
    assert asyncio.run(dating._proc_fetch_request(assignment, 0, request))
    assert 0 <= assignment.asked - asked_for(states["told"]) < 0.02
    assert asked_for(states["error"]) is asked_for(None) is None


def test_aiokafka_has_the_place_where_answers_are_dated():
    """Its fetcher fills a partition's state in one method, the moment last; its consumer makes the fetcher by that name."""
    assert parameters(fetcher.Fetcher._proc_fetch_request) == ["self", "assignment", "node_id", "request"]
    source = inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    assert source.index("tp_state.highwater = highwater") < source.index("tp_state.timestamp = now_ms")
    assert " = Fetcher(" in inspect.getsource(AIOKafkaConsumer.start)


def test_aiokafka_reads_a_piece_of_a_log_as_we_ask():
    """One request, and the class that takes its answer apart."""
    assert parameters(FetchRequest.__init__)[:6] == [
        "self", "max_wait_time", "min_bytes", "max_bytes", "isolation_level", "topics",
    ]  # fmt: skip
    assert parameters(fetcher.PartitionRecords.__init__) == [
        "self", "tp", "records", "aborted_transactions", "fetch_offset", "key_deserializer", "value_deserializer",
        "check_crcs", "isolation_level",
    ]  # fmt: skip
    source = inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    assert "if response.API_VERSION >= 11:" in source
    assert "aborted_transactions = part_data[2]" in source
    assert "aborted_transactions = part_data[-2]" in source


def test_aiokafka_transactions_have_the_parts_we_use():
    """The guard sits on client.send, partitions are named through the transaction manager."""
    assert callable(TransactionManager.maybe_add_partition_to_txn)
    assert parameters(OffsetRequest.__init__)[1:] == ["replica_id", "isolation_level", "topics"]
    assert inspect.isclass(EndTxnRequest)
    assert callable(AIOKafkaProducer.create_batch)
    assert callable(AIOKafkaProducer.send_batch)
    assert "self.client = AIOKafkaClient(" in inspect.getsource(AIOKafkaProducer.__init__)
    assert "self._conns = {}" in inspect.getsource(AIOKafkaClient.__init__)
    assert callable(AIOKafkaConnection.connected)
    assert callable(ClusterMetadata.leader_for_partition)


def test_a_group_is_left_by_one_request_through_the_coordinator():
    """Before an exit with 70 we send it ourselves: aiokafka's way waits for a rebalance under way, and joins again."""
    assert "self._coordinator = GroupCoordinator(" in inspect.getsource(AIOKafkaConsumer.start)
    source = inspect.getsource(GroupCoordinator.__init__)
    assert all(f"self.{name} = " in source for name in ("group_id", "member_id", "_group_instance_id"))
    assert parameters(GroupCoordinator._send_req) == ["self", "request"]
    assert parameters(LeaveGroupRequest.__init__)[1:] == ["group", "member_id"]
    assert JoinGroupRequest.UNKNOWN_MEMBER_ID == ""
    assert "_group_instance_id is None" in inspect.getsource(GroupCoordinator._maybe_leave_group)
    assert "self.thread_loop.run_until_complete" in inspect.getsource(driver.AIOKafkaConsumerThread._start_thread)


def test_a_partition_that_is_being_revoked_still_counts_as_assigned():
    """So the group's offsets can be stored a last time between the last checkpoint and letting go."""
    assert "listener.on_partitions_revoked" in inspect.getsource(GroupCoordinator._on_join_prepare)
    assert "_unassign" not in inspect.getsource(SubscriptionState.begin_reassignment)
    assert "not in assignment.tps" in inspect.getsource(AIOKafkaConsumer.commit)


def test_aiokafka_tells_a_raised_epoch_by_producer_fenced():
    """Whatever raised it; and what its sender did not expect comes wrapped in a KafkaError, with the cause."""
    for handler in (AddPartitionsToTxnHandler, EndTxnHandler, SendProduceReqHandler):
        source = inspect.getsource(handler.handle_response)
        assert source.index("InvalidProducerEpoch") < source.index("ProducerFenced()")
    assert 'raise KafkaError("Unexpected error during batch delivery") from exc' in inspect.getsource(Sender)


def test_a_broker_is_asked_for_its_versions_through_the_admin_client():
    """Its public methods do not ask; `palier topics` tells the release by the answer."""
    assert parameters(AIOKafkaAdminClient._send_request) == ["self", "request", "node_id"]
    assert parameters(ApiVersionRequest.__init__) == parameters(object.__init__)
    (name, versions) = ApiVersionResponse_v0.SCHEMA.names[1], ApiVersionResponse_v0.SCHEMA.fields[1]
    assert name == "api_versions"
    assert versions.array_of.names == ("api_key", "min_version", "max_version")


def test_faust_begins_tasks_of_an_app_after_recovery():
    """So the engine's clock, which the watchdog looks at, is none of them."""
    source = inspect.getsource(app_base.App.on_started)
    assert source.index("_wait_for_table_recovery_completed") < source.index("on_started_init_extra_tasks")


def test_faust_settings_exist():
    """The ones the app factory sets."""
    for name in ("topic_disable_leader", "stream_wait_empty", "stream_recovery_delay", "TableManager"):
        assert hasattr(faust.Settings, name), name
