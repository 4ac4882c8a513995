"""The scenarios: one server of one kind, all flavours at the same time, each on its own addresses.

Each scenario runs once, when the first test asks for its records.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.faults.consuming import Consumer
from tests.faults.harness import FaultHarness, harness
from tests.faults.proxy import Proxy
from tests.faults.publishing import Publishing
from tests.faults.record import Record
from tests.faults.servers import SERVERS

RESTART_COUNT = 5_000
KILL_COUNT = 3_000
OUTAGE = 5.0
RESET_OUTAGE = 3.0
GIVE_UP = 20.0
RUN_IN = 1.0
PUBLISH_TIMEOUT = 3.0
SLACK_IN_A_FLOOD = 8.0  # a message may wait behind thousands of others
CUTS = ("reset", "hole")

Records = dict[tuple[str, str], Record]


class Play:
    """One server and all that is done to it.

    Args:
        kind: which server.
        flavours: names of harnesses.
        folder: for files.
    """

    def __init__(self, kind: str, flavours: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self.harnesses: dict[str, FaultHarness] = {name: harness(name) for name in flavours}
        self.proxies = {(name, cut): Proxy() for name in flavours for cut in CUTS}
        ports = [proxy.port for proxy in self.proxies.values()]
        self.server = SERVERS[kind](folder / "server", ports)
        for proxy in self.proxies.values():
            proxy.target = self.server.behind(proxy.port)
        self.consumers: list[Consumer] = []
        self.under_restart: dict[str, Consumer] = {}
        self.records: Records = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self._played: dict[str, BaseException | None] = {}
        self._threads = ThreadPoolExecutor(1)
        self._starting: Future[None] | None = None

    def close(self) -> None:
        """Ends everything that was started. Safe to call twice."""
        self._threads.shutdown()
        for consumer in self.consumers:
            consumer.kill()
        for proxy in self.proxies.values():
            proxy.close()
        self.proxies.clear()
        self.server.close()

    def begin(self) -> None:
        """Starts the server, in a thread: some take their time."""
        if self._starting is None:
            self._starting = self._threads.submit(self.server.start)

    def _once(self, name: str, scenario: Callable[[], None]) -> None:
        """Plays a scenario the first time; one that failed fails again without being played."""
        if name not in self._played:
            self._played[name] = None
            try:
                self._up()
                scenario()
            except Exception as error:
                self._played[name] = error
        failure = self._played[name]
        if failure is not None:
            raise failure

    def _up(self) -> None:
        self.begin()
        if self._starting is not None:
            self._starting.result()
        if self.server.process is None:
            self.server.start()

    def _consumer(self, flavour: str, name: str, seats: dict[str, dict[str, Any]]) -> Consumer:
        consumer = Consumer(flavour, self.folder / flavour / name, seats)
        self.consumers.append(consumer)
        return consumer

    def _seat(self, port: int | None = None) -> dict[str, Any]:
        url = self.server.url(port)
        return {"url": url, "address": f"faults-{uuid4().hex}", "watchful": port is not None}

    @asynccontextmanager
    async def _publishing(self, flavour: str, address: str) -> AsyncIterator[Publishing]:
        made = self.harnesses[flavour]
        publishing = Publishing(made, self.server.url(), address)
        await publishing.broker.connect()
        try:
            yield publishing
        finally:
            await publishing.broker.stop()

    async def _prepare(self, flavour: str, seats: dict[str, dict[str, Any]]) -> None:
        made = self.harnesses[flavour]
        broker = made.broker(self.server.url(), None)
        await broker.connect()
        try:
            for seat in seats.values():
                await made.prepare(broker, seat["address"])
        finally:
            await broker.stop()

    def _record(
        self, consumer: Consumer, seat: str, publishing: Publishing, cut: float, back: float
    ) -> Record:
        record = Record(
            flavour=consumer.flavour,
            scenario=seat,
            cut=cut,
            back=back,
            confirmed=dict(publishing.confirmed),
            handled=consumer.handled(seat),
            samples=consumer.samples(seat),
            publish_errors=publishing.errors,
            strange_errors=publishing.strange,
            slowest_publish=publishing.slowest,
            log=consumer.log(seat) + consumer.errors(),
        )
        self.records[consumer.flavour, seat] = record
        return record

    def disturbed(self) -> Records:
        """Network cut, things deleted, consumer killed: all while the server runs."""
        self._once("disturbed", lambda: asyncio.run(self._disturb()))
        return self.records

    async def _disturb(self) -> None:
        work: list[Coroutine[Any, Any, None]] = []
        starting = []
        for flavour, made in self.harnesses.items():
            seats = {cut: self._seat(self.proxies[flavour, cut].port) for cut in CUTS}
            seats |= {f"{name} deleted": self._seat() for name in made.deletions}
            consumer = self._consumer(flavour, "disturbed", seats)
            starting.append((consumer, seats))
            for seat in seats:
                case = self._cut if seat in CUTS else self._deleted
                work.append(case(consumer, seat))
            if made.kept or made.in_hand:
                seats = {"killed": self._seat()}
                consumer = self._consumer(flavour, "killed", seats)
                starting.append((consumer, seats))
                work.append(self._killed(consumer))
        for consumer, seats in starting:
            await self._prepare(consumer.flavour, seats)
            consumer.start()
        for consumer, _ in starting:
            await consumer.ready()
        await asyncio.gather(*work)

    async def _cut(self, consumer: Consumer, seat: str) -> None:
        """The network between the consumer and the server is cut for a while."""
        proxy = self.proxies[consumer.flavour, seat]
        async with self._trickle(consumer, seat) as publishing:
            attempts, cut = proxy.attempts, time.monotonic()
            getattr(proxy, seat)()
            await asyncio.sleep(OUTAGE if seat == "hole" else RESET_OUTAGE)
            attempts = proxy.attempts - attempts
            back = time.monotonic()
            proxy.forward()
            await self._works_again(consumer, seat, publishing, back)
        await self._finish(consumer, seat, publishing)
        record = self._record(consumer, seat, publishing, cut, back)
        record.attempts = attempts

    async def _deleted(self, consumer: Consumer, seat: str) -> None:
        """Something at the server is deleted under the consumer."""
        deletion = self.harnesses[consumer.flavour].deletions[seat.split()[0]]
        async with self._trickle(consumer, seat) as publishing:
            await deletion.act(self.server.url(), publishing.address)
            cut = time.monotonic()
            await self._works_again(consumer, seat, publishing, cut)
        await self._finish(consumer, seat, publishing)
        record = self._record(consumer, seat, publishing, cut, cut)
        record.newer_only = True
        record.slack = deletion.noticed_within
        if deletion.with_messages:
            record.gone = {n for n, began in publishing.began.items() if began < cut}

    async def _killed(self, consumer: Consumer) -> None:
        """The process of the consumer is killed in the middle of the messages."""
        (seat,) = consumer.seats
        async with self._publishing(consumer.flavour, consumer.seats[seat]["address"]) as sending:
            flood = asyncio.ensure_future(sending.flood(range(KILL_COUNT * 2 // 3)))
            await _until(lambda: consumer.count(seat) > KILL_COUNT // 3, every=0.01)
            cut = time.monotonic()
            consumer.kill()
            consumer.start()
            await _until(lambda: len(consumer.began()) == 2, 60.0)
            await flood
            await sending.flood(range(KILL_COUNT * 2 // 3, KILL_COUNT))
        await self._finish(consumer, seat, sending)
        record = self._record(consumer, seat, sending, cut, consumer.began()[-1])
        record.slack = SLACK_IN_A_FLOOD

    @asynccontextmanager
    async def _trickle(self, consumer: Consumer, seat: str) -> AsyncIterator[Publishing]:
        """Publishes message after message around what the caller does, and a little longer."""
        address = consumer.seats[seat]["address"]
        async with self._publishing(consumer.flavour, address) as publishing:
            ended = asyncio.Event()
            running = asyncio.ensure_future(publishing.trickle(0, ended))
            await asyncio.sleep(RUN_IN)
            try:
                yield publishing
                await asyncio.sleep(RUN_IN)
            finally:
                ended.set()
                await running

    async def _works_again(
        self, consumer: Consumer, seat: str, publishing: Publishing, since: float
    ) -> None:
        def newer() -> bool:
            return any(
                at >= since and publishing.confirmed.get(number, 0.0) >= since
                for number, at in consumer.handled(seat)[-200:]
            )

        with contextlib.suppress(AssertionError):  # the record tells
            await _until(newer, GIVE_UP)
            await _until(lambda: consumer.says_ready(seat, since), GIVE_UP / 2)

    async def _finish(self, consumer: Consumer, seat: str, publishing: Publishing) -> None:
        """Waits until all that was confirmed was handled, or for long enough."""

        def complete() -> bool:
            handled = {number for number, _ in consumer.handled(seat)}
            return len(publishing.confirmed.keys() - handled) <= made.in_hand

        made = self.harnesses[consumer.flavour]
        patience = GIVE_UP if made.kept or made.in_hand else 1.0
        with contextlib.suppress(AssertionError):
            await _until(complete, patience, every=0.1)

    def restarted(self) -> Records:
        """The server is killed in the middle of 5,000 messages and comes back."""
        self._once("restarted", lambda: asyncio.run(self._restart()))
        return self.records

    async def _restart(self) -> None:
        for flavour in self.harnesses:
            seats = {"restart": self._seat()}
            await self._prepare(flavour, seats)
            consumer = self.under_restart[flavour] = self._consumer(flavour, "restart", seats)
            consumer.start()
        async with contextlib.AsyncExitStack() as stack:
            sending: dict[str, Publishing] = {}
            for flavour, consumer in self.under_restart.items():
                await consumer.ready()
                address = consumer.seats["restart"]["address"]
                sending[flavour] = await stack.enter_async_context(
                    self._publishing(flavour, address)
                )
            await asyncio.sleep(self.server.writes_late)
            cut, back = await self._kill_and_start(list(sending.values()))
            for flavour, consumer in self.under_restart.items():
                ended = asyncio.Event()  # what keeps nothing needs messages that come later
                more = sending[flavour].trickle(RESTART_COUNT, ended, 0.1)
                trickling = asyncio.ensure_future(more)
                await self._works_again(consumer, "restart", sending[flavour], back)
                ended.set()
                await trickling
            for flavour, consumer in self.under_restart.items():
                await self._finish(consumer, "restart", sending[flavour])
        for flavour, consumer in self.under_restart.items():
            record = self._record(consumer, "restart", sending[flavour], cut, back)
            record.slack = SLACK_IN_A_FLOOD

    async def _kill_and_start(self, sending: list[Publishing]) -> tuple[float, float]:
        """While all publish; returns when the server went and when it answered again."""
        middle = RESTART_COUNT * 2 // 5
        gone = asyncio.Event()

        async def publish(one: Publishing) -> None:
            await one.flood(range(middle))
            number = middle
            while not gone.is_set() and number < RESTART_COUNT:  # keep going until it is killed
                await one.flood(range(number, number + 20), at_once=10)
                number += 20
                await asyncio.sleep(0.05)
            await one.flood(range(number, RESTART_COUNT))

        work = asyncio.gather(*(publish(one) for one in sending))
        await _until(lambda: all(len(one.confirmed) >= middle for one in sending), 60.0)
        await asyncio.sleep(0.1)
        cut = time.monotonic()
        self.server.kill()
        gone.set()
        await asyncio.sleep(max(0.0, OUTAGE - self.server.start_takes))
        await asyncio.to_thread(self.server.start)
        back = time.monotonic()
        await work
        return cut, back

    def stopped(self) -> dict[str, dict[str, Any]]:
        """The server goes for good; the consumers are told to stop while it is away."""
        self.restarted()  # its consumers
        self._once("stopped", self._stop)
        return self.reports

    async def _publish_into_nothing(self) -> dict[str, dict[str, Any]]:
        """Connects publishers, kills the server, and has each publish once."""
        sending = {
            name: Publishing(
                self.harnesses[name],
                self.server.url(),
                consumer.seats["restart"]["address"],
                publish_timeout=PUBLISH_TIMEOUT,
            )
            for name, consumer in self.under_restart.items()
        }
        await asyncio.gather(*(one.broker.connect() for one in sending.values()))
        self.server.kill()
        await asyncio.sleep(1.5)  # until they know
        tried = await asyncio.gather(*(one.try_once() for one in sending.values()))
        return dict(zip(sending, tried, strict=True))

    def _stop(self) -> None:
        tried = asyncio.run(self._publish_into_nothing())
        for consumer in self.under_restart.values():
            consumer.ask_to_stop()
        for name, consumer in self.under_restart.items():
            report = self.reports[name] = consumer.stopped(GIVE_UP) | tried[name]
            self.records[name, "restart"].stop_took = report.get("took")


async def _until(condition: Callable[[], bool], timeout: float = 30.0, every: float = 0.05) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not become true"
        await asyncio.sleep(every)
