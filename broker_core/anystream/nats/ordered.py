"""A stream read in order and without acknowledgement: no gap and no repetition, whatever happens.

The server sends such messages once. Each has a number of its consumer's; when one is missing, when
the server is silent, and after every outage, a new consumer goes on behind the last message.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver
from anystream.nats.connection import NatsConnection
from anystream.nats.consumer import KEEP_UNNAMED, delivery, explained
from anystream.nats.intake import Intake
from anystream.nats.repair import Repair

HEARTBEAT = 2.0  # seconds between the server's signs of life
SILENCE = 2.5  # after so many heartbeats without one, it is silent


class OrderedConsumer:
    """Reads a stream.

    Args:
        connection: a connection that is up.
        subscriber: whose messages they are.
        deliver: takes a native message.
        stream: the stream's name.
        config: the consumer's configuration: which subjects, where to begin.
        make_stream: makes sure that the stream is there; called with False when reading begins,
            with True when the stream was there and is gone.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subscriber: Subscriber,
        deliver: Deliver,
        *,
        stream: str,
        config: ConsumerConfig,
        make_stream: Callable[[bool], Awaitable[None]],
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.stream = stream
        self.config = config
        self.name = ""
        self.seen = 0  # the position of the last message that was handed on
        self._deliver = deliver
        self._make_stream = make_stream
        self._repair = Repair(connection, subscriber, self._open_again)
        self._caught_up = config.deliver_policy is DeliverPolicy.ALL
        self._created: datetime | None = None
        self._round = 0  # messages of an older subscription do not count any more
        self._next = 1
        self._received = 0
        self._inbox = ""
        self._intake: Intake | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Begins to read, or goes on.

        Raises:
            SetupError: the server refuses it.
        """
        await self._make_stream(False)
        await self._begin()
        self._repair.needed = False
        self.connection.reconnected.add(self._lost)
        self._look_later()

    async def _begin(self) -> None:
        client: Any = self.connection.client
        js: Any = self.connection.js
        created = await self._stream_created()
        if self._created is not None and created != self._created:
            # another stream of the same name: nothing of it was seen
            self.seen = 0
            self._caught_up = self.config.deliver_policy is DeliverPolicy.ALL
        self._created = created
        self._round += 1
        self._next, self._received = 1, 0
        self._inbox = client.new_inbox()
        with explained(self.subscriber, self.stream):
            subscription = await client.subscribe(
                self._inbox,
                cb=partial(self._take, self._round),
                **self.subscriber.source.pending_limits(),
            )
            self._intake = Intake(self.connection, subscription, self.subscriber)
            info = await js.add_consumer(self.stream, config=self._config())
        self.name = info.name
        self._note_start(info)

    async def _stream_created(self) -> datetime | None:
        js: Any = self.connection.js
        with explained(self.subscriber, self.stream):
            try:
                info = await js.stream_info(self.stream)
            except nats.js.errors.NotFoundError:
                await self._make_stream(True)
                info = await js.stream_info(self.stream)
        return info.created  # type: ignore[no-any-return]

    def _config(self) -> ConsumerConfig:
        config = self.config
        filled: dict[str, Any] = {
            "name": None,
            "durable_name": None,
            "deliver_subject": self._inbox,
            "deliver_group": None,
            "ack_policy": AckPolicy.NONE,
            "max_deliver": 1,
            "flow_control": True,
            "idle_heartbeat": config.idle_heartbeat or HEARTBEAT,
            "inactive_threshold": config.inactive_threshold or KEEP_UNNAMED,
            "num_replicas": 1,
            "mem_storage": True,
        }
        if self.seen and self._caught_up:
            filled["deliver_policy"] = DeliverPolicy.BY_START_SEQUENCE
            filled["opt_start_seq"] = self.seen + 1
            filled["opt_start_time"] = None
        return dataclasses.replace(config, **filled)

    def _note_start(self, info: ConsumerInfo) -> None:
        """Where nothing waits, reading goes on from here, whatever comes."""
        if not info.num_pending and info.delivered is not None:
            self._caught_up = True
            self.seen = max(self.seen, info.delivered.stream_seq)

    async def _take(self, number: int, raw: Msg) -> None:
        if number != self._round:
            return
        if raw.subject == self._inbox:
            await self._on_status(raw)
            return
        position, count, waiting = delivery(raw.reply)
        if count != self._next:
            self._lost()
            return
        self._next += 1
        if position > self.seen:  # a beginning that was interrupted comes a second time
            self.seen = position
            await self._deliver(raw)
        if waiting == 0:
            self._caught_up = True

    async def _on_status(self, raw: Msg) -> None:
        headers = raw.headers or {}
        if headers.get("Status") != "100":
            self._lost()
            return
        wants_answer = raw.reply or headers.get("Nats-Consumer-Stalled")
        client = self.connection.client
        if wants_answer and client is not None:
            await client.publish(wants_answer)
        sent = headers.get("Nats-Last-Consumer")
        if sent is not None and int(sent) != self._next - 1:
            self._lost()

    def _lost(self) -> None:
        """Something did not arrive, or may not have."""
        self._round += 1
        self._repair.start()

    def _look_later(self) -> None:
        seconds = SILENCE * (self.config.idle_heartbeat or HEARTBEAT)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._look_later()
        if self._intake is None or self._repair.needed or not self.connection.is_up:
            return
        received = self._intake.subscription.delivered
        if received == self._received:
            self._lost()
        self._received = received

    async def _open_again(self) -> None:
        self._round += 1
        intake, self._intake = self._intake, None
        if intake is not None:
            try:
                await intake.drain()  # a handler may still be at the last one
            except BaseException:
                self._intake = intake
                raise
        await self._forget()
        await self._begin()

    async def _forget(self) -> None:
        name, self.name = self.name, ""
        js = self.connection.js
        if name and js is not None and self.connection.is_up:
            try:
                await js.delete_consumer(self.stream, name)
            except (nats.errors.Error, OSError):
                return  # it is gone already, or will be after a while

    async def _stop_looking(self) -> None:
        self.connection.reconnected.discard(self._lost)
        if self._timer is not None:
            self._timer.cancel()
        await self._repair.end()

    async def pause(self) -> None:
        """Ends intake and waits until what came is handed on; `open` goes on behind it."""
        await self._stop_looking()
        intake, self._intake = self._intake, None
        if intake is not None:
            try:
                await intake.drain()
            except BaseException:
                self._intake = intake
                raise
        await self._forget()

    async def close(self) -> None:
        """Ends everything now."""
        await self._stop_looking()
        intake, self._intake = self._intake, None
        if intake is not None:
            await intake.end()
        await self._forget()

    @property
    def alive(self) -> bool:
        """Whether messages can arrive."""
        return not self._repair.needed and self._intake is not None and self._intake.alive
