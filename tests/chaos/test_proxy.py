"""The proxy passes frames on as they are, and each fault is what its name says, on a real broker."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import contextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.kafka_frames import framed, is_commit
from chaos.proxy import KafkaProxy, kafka_behind
from chaos.proxy_rules import RESPONSE, Call, Cut, Delay, Drop, Hold
from palier.kafka.ports import HOST

pytestmark = pytest.mark.kafka

TOPIC = "written"
PASSED = TopicPartition(TOPIC, 0)
INVALID_PRODUCER_EPOCH = 47


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """(proxy, broker behind it) with a topic."""
    proxy = KafkaProxy()
    with proxy, kafka_behind(proxy, tmp_path_factory.mktemp("proxied")) as kafka:
        admin = AdminClient({"bootstrap.servers": kafka.brokers, "log_level": 0})
        admin.create_topics([NewTopic(TOPIC, 1)])[TOPIC].result(10)
        yield proxy, kafka


@pytest.fixture
def proxy(place):
    """The proxy, without rules."""
    place[0].clear()
    yield place[0]
    place[0].clear()


class Client:
    """The plainest client: asks what an API's versions are, again and again, on one connection."""

    def __init__(self, proxy, limit_s=5):
        self.socket = socket.create_connection((HOST, int(proxy.brokers.split(":")[1])), timeout=limit_s)
        self._correlation_id = 0

    def send(self):
        """A request; its correlation id."""
        self._correlation_id += 1
        self.socket.sendall(framed(struct.pack(">hhih", 18, 0, self._correlation_id, -1)))
        return self._correlation_id

    def receive(self):
        """The correlation id of the next response; None at the end of the connection."""
        with self.socket.makefile("rb") as answers:
            size = answers.read(4)
            return struct.unpack(">i", answers.read(struct.unpack(">i", size)[0])[:4])[0] if size else None

    def ask(self):
        """Seconds that question and answer took."""
        started = time.monotonic()
        assert self.send() == self.receive()
        return time.monotonic() - started

    def is_cut(self):
        """Whether the connection was broken."""
        try:
            return self.receive() is None
        except ConnectionError:
            return True

    def hears_nothing(self, for_s=0.3):
        """Whether no answer comes, on a connection that stays."""
        self.socket.settimeout(for_s)
        try:
            self.receive()
        except TimeoutError:
            return True
        return False


@contextmanager
def client(proxy):
    """A Client, closed at the end."""
    made = Client(proxy)
    with made.socket:
        yield made


def producing(brokers, use, transactional_id="passing"):
    """Run `use(producer)` with a started transactional producer."""

    async def run():
        async with AIOKafkaProducer(bootstrap_servers=brokers, transactional_id=transactional_id) as producer:
            return await use(producer)

    return asyncio.run(run())


async def _one_transaction(producer, value=b"x"):
    async with producer.transaction():
        await producer.send_and_wait(TOPIC, value, partition=0)


def committed(kafka):
    """Values that a read_committed reader finds, going past the proxy."""

    async def read():
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka.brokers, isolation_level="read_committed")
        async with consumer:
            consumer.assign([PASSED])
            await consumer.seek_to_beginning()
            end = (await consumer.end_offsets([PASSED]))[PASSED]
            values = []
            while await consumer.position(PASSED) < end:
                fetched = await consumer.getmany(timeout_ms=200)
                values += [record.value for record in fetched.get(PASSED, [])]
            return values

    return asyncio.run(read())


def test_what_passes_is_unchanged_and_counted(place, proxy):
    """Tens of megabytes arrive as they were sent, and clients never learn the direct address."""
    values = [bytes([number]) * 900_000 for number in range(40)]

    async def send_all(producer):
        async with producer.transaction():
            await asyncio.gather(*[await producer.send(TOPIC, value, partition=0) for value in values])
        return {(broker.host, broker.port) for broker in producer.client.cluster.brokers()}

    before = proxy.frames["Produce", RESPONSE]
    addresses = producing(proxy.brokers, send_all)
    assert committed(place[1])[-40:] == values
    assert proxy.frames["Produce", RESPONSE] - before >= 40
    assert [f"{host}:{port}" for host, port in addresses] == [proxy.brokers] != [place[1].brokers]


def test_a_delay_keeps_back_one_frame(proxy):
    """The second request, and then an answer, come a second late; all others at once."""
    late = proxy.rule("ApiVersions", Delay(1), nth=2)
    with client(proxy) as asking:
        times = [asking.ask() for _ in range(3)]
        answer = proxy.rule("ApiVersions", Delay(1), at=RESPONSE)
        times.append(asking.ask())
    assert [took >= 1 for took in times] == [False, True, False, True]
    assert (late.struck, answer.struck) == (1, 1)


def test_a_dropped_frame_is_lost_and_its_connection_stays(proxy):
    """No answer to the first question, whether it or its answer was lost; the next is answered."""
    for at in ("request", RESPONSE):
        proxy.rule("ApiVersions", Drop(), at=at)
        with client(proxy) as asking:
            asking.send()
            assert asking.send() == asking.receive() == 2


def test_a_mute_connection_is_lost_without_a_word(proxy):
    """After the lost answer nothing comes on this connection any more; another one works."""
    proxy.rule("ApiVersions", Drop(mute=True), at=RESPONSE)
    with client(proxy) as asking, client(proxy) as other:
        asking.send()
        asking.send()
        assert asking.hears_nothing()
        other.ask()


def test_a_cut_before_leaves_nothing_done_and_a_cut_after_does_not_undo(place, proxy):
    """EndTxn cut as a request: not committed until its retry. Cut as a response: committed, and the client in the dark."""
    seen = []
    for at, value in (("request", b"before"), (RESPONSE, b"after")):
        proxy.rule("EndTxn", Call(lambda _: seen.append(committed(place[1])[-1])), at=RESPONSE)
        cut = proxy.rule("EndTxn", Cut(), at=at, matching=is_commit)
        ends = proxy.frames["EndTxn", "request"]
        producing(proxy.brokers, lambda producer, value=value: _one_transaction(producer, value))
        assert cut.struck == 1
        assert proxy.frames["EndTxn", "request"] - ends == 2, "aiokafka is known to retry"
    assert seen == [b"before", b"after"]


def test_a_held_request_comes_late(place, proxy):
    """The broker gets a ghost when it is released, and answers it; here its producer has been fenced meanwhile."""
    hold = Hold()
    proxy.rule("EndTxn", hold, matching=is_commit)
    producing(proxy.brokers, _one_transaction)
    producing(proxy.brokers, _one_transaction)
    assert hold.release()
    assert hold.exchange.error_code == INVALID_PRODUCER_EPOCH
    assert (hold.exchange.transactional_id, hold.exchange.commits) == ("passing", True)


def test_something_happens_between_doing_and_telling(place, proxy):
    """When a Call at the response runs, the broker has done it, and the client waits until the function returns."""
    told = []

    def look(exchange):
        told.append((exchange.producer.transactional_id, committed(place[1])[-1]))

    calling = proxy.rule("EndTxn", Call(look), at=RESPONSE)
    producing(proxy.brokers, lambda producer: _one_transaction(producer, b"seen"))
    assert calling.wait(0)
    assert told == [("passing", b"seen")]


def test_a_watcher_sees_every_request_and_the_answers_that_are_heard(proxy):
    """Of a commit whose answer is lost with its connection, two requests are seen and one answer."""
    seen = []
    for at in ("request", RESPONSE):
        proxy.watch("EndTxn", lambda exchange, at=at: seen.append((at, exchange.response is None)), at=at)
    proxy.rule("EndTxn", Cut(), at=RESPONSE)
    producing(proxy.brokers, _one_transaction)
    assert seen == [("request", True), ("request", True), (RESPONSE, False)]


def test_a_failing_call_is_told(proxy):
    """What the function of a Call raises comes out of `clear`, and the frame goes on."""

    def fail(_):
        raise ValueError("on purpose")

    proxy.rule("ApiVersions", Call(fail))
    with client(proxy) as asking:
        asking.ask()
    with pytest.raises(ValueError, match="on purpose"):
        proxy.clear()


def test_connections_are_cut_refused_and_taken_again(proxy):
    """cut_all breaks what is there, refuse lets nobody in, accept does."""
    with client(proxy) as asking:
        asking.ask()
        proxy.cut_all()
        assert asking.is_cut()
    with client(proxy) as asking:
        asking.ask()
        proxy.refuse()
        assert asking.is_cut()
    with pytest.raises(ConnectionRefusedError):
        Client(proxy)
    proxy.accept()
    with client(proxy) as asking:
        asking.ask()


def test_a_frozen_network_tells_nobody(proxy):
    """Neither what is connected nor what connects hears anything; after the thaw everything comes."""
    with client(proxy) as asking:
        asking.ask()
        proxy.freeze()
        sent = asking.send()
        assert asking.hears_nothing()
        proxy.thaw()
        asking.socket.settimeout(5)
        assert asking.receive() == sent


def test_half_open_connections_stay_dead(proxy):
    """What was connected is taken and answered by nobody; new connections work."""
    with client(proxy) as asking:
        asking.ask()
        proxy.half_open()
        asking.send()
        assert asking.hears_nothing()
    with client(proxy) as asking:
        asking.ask()


def test_a_slow_network(proxy):
    """0.1 s on each way; and an answer of some 400 bytes at 1 KB/s."""
    with client(proxy) as asking:
        proxy.slow_down(latency_s=0.1)
        assert asking.ask() >= 0.2
        proxy.slow_down(bytes_per_s=1_000)
        assert asking.ask() >= 0.2
        proxy.slow_down()
        asking.ask()


def test_a_broker_that_is_away_is_away_behind_the_proxy(proxy):
    """A connection to a broker that does not listen is broken at once."""
    with KafkaProxy() as alone:
        alone.add_broker(1)
        with client(alone) as asking:
            assert asking.is_cut()


def test_an_unguarded_error_is_the_clients(proxy):
    """A lost connection to InitProducerId is retried by the client; the proxy counts both tries."""
    cut = proxy.rule("InitProducerId", Cut(), times=2)
    before = proxy.frames["InitProducerId", "request"]
    try:
        producing(proxy.brokers, _one_transaction, transactional_id="other")
    except KafkaError as error:
        pytest.fail(f"not retried: {error!r}")
    assert (cut.struck, proxy.frames["InitProducerId", "request"] - before) == (2, 3)
