"""A proxy between clients and brokers that reads Kafka's frames, so that a fault can strike one call and no other.

    proxy = KafkaProxy()
    with proxy, kafka_behind(proxy, folder) as kafka:
        lost = proxy.rule("EndTxn", Cut(), at=RESPONSE)  # committed, but the client never hears of it
        ... clients connect to proxy.brokers and never learn another address; kafka.brokers leads past it
        assert lost.struck

It runs in a thread of its own; everything here may be called from any other.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import suppress

from chaos.kafka_frames import CORRELATION_ID, Exchange, framed, read_frame
from chaos.proxy_rules import REQUEST, RESPONSE, Rule
from palier.kafka.local import LocalKafka
from palier.kafka.ports import HOST, free_port

READ_BYTES = 1 << 20
PACED_BYTES = 4_096


class KafkaProxy:
    """One listener for each broker, rules for frames, and faults of the whole network."""

    def __init__(self):
        self.frames = Counter()  # (API, REQUEST or RESPONSE) -> how many came
        self.strikes = Counter()  # (API, name of the action) -> how many were struck
        self.network = Network()
        self._rules, self._watchers, self._links = [], [], set()
        self._servers = {}  # the port clients connect to -> (the broker's port behind, the server or None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kafka-proxy", daemon=True)
        self._lock = threading.Lock()

    # --- life ---------------------------------------------------------------------------------------------------------
    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add_broker(self, port):
        """Listen for a broker that listens, now or later, on `port`; the port to advertise."""
        advertised = free_port(other_than=port)
        self._run(self._listen(advertised, port))
        return advertised

    @property
    def brokers(self):
        """Bootstrap servers for the clients that are to go through it."""
        return ",".join(f"{HOST}:{port}" for port in self._servers)

    # --- faults of single frames --------------------------------------------------------------------------------------
    def rule(self, api, action, **which):
        """Set a rule, which holds until `clear`; see Rule. Several may strike one frame, until one keeps it back."""
        made = Rule(api, action, **which)
        with self._lock:
            self._rules = [*self._rules, made]
        return made

    def watch(self, api, function, at=REQUEST):
        """Have a quick function called, in the proxy's thread, with each Exchange of an API.

        At REQUEST when it comes in, before any rule; at RESPONSE when the client is about to hear of it, after all rules.
        """
        with self._lock:
            self._watchers = [*self._watchers, (api, at, function)]

    def clear(self):
        """No rules and no watchers any more; what was struck stays counted. Raises what the function of a Call raised."""
        with self._lock:
            rules, self._rules, self._watchers = self._rules, [], []
        failures = [failure for rule in rules for failure in getattr(rule.action, "failures", ())]
        if failures:
            raise failures[0]

    # --- faults of the network ----------------------------------------------------------------------------------------
    def cut_all(self):
        """Break every connection; new ones are taken at once."""
        self._call(self._cut_links)

    def refuse(self):
        """Break every connection and refuse new ones, until `accept`."""
        self._call(self._refuse)

    def accept(self):
        """Take connections again."""
        self._run(self._accept())

    def freeze(self):
        """Let nothing pass in either direction, until `thaw`: bytes and connections are taken, nobody hears of it."""
        self._call(self.network.flows.clear)

    def thaw(self):
        """Let everything pass that waited."""
        self._call(self.network.flows.set)

    def half_open(self):
        """Break every connection so that nobody is told; new ones work."""
        self._call(lambda: [link.mute() for link in self._links])

    def slow_down(self, *, latency_s=0.0, bytes_per_s=None):
        """From now on each frame takes `latency_s` on its way, each connection `bytes_per_s` (None: any) per direction."""
        self.network.latency_s, self.network.bytes_per_s = latency_s, bytes_per_s

    # --- inside its thread --------------------------------------------------------------------------------------------
    def _run(self, coroutine, limit_s=10):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(limit_s)

    def _call(self, function):
        async def call():
            function()

        self._run(call())

    async def _listen(self, advertised, port):
        server = await asyncio.start_server(
            lambda reader, writer: self._serve(reader, writer, port), HOST, advertised, limit=READ_BYTES
        )
        self._servers[advertised] = port, server

    async def _serve(self, reader, writer, port):
        await self.network.flows.wait()
        try:
            broker = await asyncio.open_connection(HOST, port, limit=READ_BYTES)
        except OSError:
            writer.transport.abort()
            return
        link = Link(self, (reader, writer), broker)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def admit(self, exchange, at, link):
        """Whether a frame is to be forwarded, after everything that the rules do to it."""
        self.frames[exchange.api, at] += 1
        if at == REQUEST:
            self._tell_watchers(exchange, at)
        for rule in self._rules:
            if rule.takes(exchange, at):
                self.strikes[exchange.api, type(rule.action).__name__] += 1
                if not await rule.action.strike(exchange, link):
                    return False
        if at == RESPONSE:
            self._tell_watchers(exchange, at)
        return True

    def _tell_watchers(self, exchange, at):
        for api, side, function in self._watchers:
            if (api, side) == (exchange.api, at):
                function(exchange)

    def _cut_links(self):
        for link in self._links:
            link.cut()

    def _refuse(self):
        for _, server in self._servers.values():
            server.close()
        self._cut_links()

    async def _accept(self):
        for advertised, (port, server) in list(self._servers.items()):
            if not server.is_serving():
                await self._listen(advertised, port)

    async def _close(self):
        self.network.flows.set()
        self._refuse()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()


class Network:
    """How fast everything goes."""

    def __init__(self):
        self.flows = asyncio.Event()
        self.flows.set()
        self.latency_s = 0.0
        self.bytes_per_s = None

    async def pass_on(self, writer, payload):
        """Write a frame, as slowly as the network is."""
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        await self.flows.wait()
        data = framed(payload)
        while data:
            size = len(data) if self.bytes_per_s is None else PACED_BYTES
            part, data = data[:size], data[size:]
            if self.bytes_per_s is not None:
                await asyncio.sleep(len(part) / self.bytes_per_s)
            writer.write(part)
            await writer.drain()


class Link:
    """One client's connection and the one to the broker that belongs to it."""

    def __init__(self, proxy, client, broker):
        self._proxy = proxy
        self._from_client, self._to_client = client
        self._from_broker, self._to_broker = broker
        self._pending = {}  # correlation id -> Exchange
        self._late = {}  # correlation id -> what to call when it is answered
        self._keeps_broker = False
        self._muted = False

    async def run(self):
        """Forward both ways until either side ends."""
        pumps = [asyncio.ensure_future(self._requests()), asyncio.ensure_future(self._responses())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if self._keeps_broker:
                await pumps[1]
        finally:
            self._to_client.close()
            self._to_broker.close()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _requests(self):
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                exchange = Exchange(await read_frame(self._from_client))
                self._pending[exchange.correlation_id] = exchange
                if await self._proxy.admit(exchange, REQUEST, self) and not self._muted:
                    await self._proxy.network.pass_on(self._to_broker, exchange.request)

    async def _responses(self):
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                response = await read_frame(self._from_broker)
                (correlation_id,) = CORRELATION_ID.unpack_from(response)
                exchange = self._pending.pop(correlation_id)
                exchange.response = response
                if correlation_id in self._late:
                    self._late.pop(correlation_id)()
                    return
                if await self._proxy.admit(exchange, RESPONSE, self) and not self._muted:
                    await self._proxy.network.pass_on(self._to_client, response)

    # --- what actions do ----------------------------------------------------------------------------------------------
    def cut(self):
        """Break both sides at once (RST, if anything was still on its way)."""
        self._to_client.transport.abort()
        self._to_broker.transport.abort()

    def cut_client(self):
        """Break the client's side; the broker's stays, for a request that comes late."""
        self._keeps_broker = self._muted = True
        self._to_client.transport.abort()

    def mute(self):
        """Forward nothing any more, in either direction, and tell nobody."""
        self._muted = True

    def send_late(self, exchange, on_answer):
        """Hand the broker a request that was kept back; `on_answer` is called when its answer is here."""
        self._late[exchange.correlation_id] = on_answer
        self._to_broker.write(framed(exchange.request))


def kafka_behind(proxy, data_dir, properties=None, **more):
    """A LocalKafka, not yet started: clients of the proxy stay on it, `.brokers` leads past it."""
    direct, behind, controller = distinct_ports(3)
    listeners = listener_properties(proxy.add_broker(behind), direct=direct, behind=behind, controller=controller)
    voters = {"controller.quorum.voters": f"1@{HOST}:{controller}"}
    return LocalKafka(data_dir, port=direct, properties={**listeners, **voters, **(properties or {})}, **more)


def listener_properties(advertised, *, direct, behind, controller):
    """Settings of a broker (or of one of several): where it listens, and what it tells clients of the proxy.

    Args:
        advertised: the port that `KafkaProxy.add_broker(behind)` gave.
        direct: its port for everybody who goes past the proxy, other brokers too.
        behind: its port for the proxy.
        controller: its port as a controller.
    """
    return {
        "listeners": f"PLAINTEXT://{HOST}:{direct},PROXIED://{HOST}:{behind},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{direct},PROXIED://{HOST}:{advertised}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }


def distinct_ports(count):
    """Free ports of this machine."""
    ports = set()
    while len(ports) < count:
        ports.add(free_port())
    return sorted(ports)
