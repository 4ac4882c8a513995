"""Asking a stream for messages, continuously: one subscription, a new request in time.

The client's own `fetch` makes a round trip per call and waits in between. Here the answers come
to a callback, and there is one open request at a time. Each request ends: filled, with a status
message, or by silence (the server sends heartbeats), after which the consumer is looked after
and the next one is sent.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable
from typing import Any

from nats.aio.msg import Msg

from anystream.core.exceptions import FastStreamException
from anystream.core.ids import gen_cor_id
from anystream.core.runner import inside_handler_of
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver
from anystream.nats.connection import NatsConnection
from anystream.nats.consumer import StreamConsumer
from anystream.nats.intake import Intake
from anystream.nats.source import NatsSource
from anystream.nats.streams import Streams

HEARTBEAT = 5.0
LONGEST_REQUEST = 30.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

USUAL = ("100", "404", "408")  # heartbeat, nothing there, time is over


class PullRefused(FastStreamException):
    """The server ended a request for messages in an unusual way."""


class Puller:
    """Requests messages of one subscriber and hands them on.

    Args:
        connection: a connection that is up.
        subscriber: whose messages they are.
        deliver: takes a native message.
        streams: makes the stream where that is wanted.
        wanted: how many messages to ask for now; asked when no request is open.
        ended: called when a request ended before it was filled.
        expires: seconds that a request stays open.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subscriber: Subscriber,
        deliver: Deliver,
        streams: Streams,
        *,
        wanted: Callable[[], int],
        ended: Callable[[], None],
        expires: float,
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.consumer = StreamConsumer(connection, subscriber, streams)
        self.open_request = 0  # messages that are asked for and have not come
        self.taken = 0
        self.problem: Exception | None = None
        self._deliver = deliver
        self._wanted = wanted
        self._ended = ended
        self._heartbeat = min(HEARTBEAT, expires / 2.5) if expires >= 1 else 0.0
        self._patience = 2.5 * self._heartbeat or expires + 2.0
        self._request = {"expires": int(expires * 1e9)}
        if self._heartbeat:
            self._request["idle_heartbeat"] = int(self._heartbeat * 1e9)
        self._inbox = ""
        self._silent = False
        self._uncertain = False
        self._last_reply = ""
        self._running = False
        self._need = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._intake: Intake | None = None

    async def open(self) -> None:
        """Makes the consumer and begins to ask."""
        client: Any = self.connection.client
        source: NatsSource = self.subscriber.source
        await self.consumer.ensure()
        own = source.inbox_prefix
        self._inbox = own + gen_cor_id().replace("-", "") if own else client.new_inbox()
        subscription = await client.subscribe(self._inbox, cb=self._take, **source.pending_limits())
        self._intake = Intake(self.connection, subscription, self.subscriber)
        self._running = True
        self.connection.reconnected.add(self._begin_anew)
        self._need = asyncio.Event()
        self._need.set()
        self._task = asyncio.ensure_future(self._run())
        self._watch()

    def ask(self) -> None:
        """Asks for more if more is wanted and no request is open."""
        if not self.open_request:
            self._need.set()

    async def _take(self, raw: Msg) -> None:
        self._silent = False
        if raw.subject == self._inbox:
            self._on_status(raw.headers or {})
            return
        if self.open_request:
            self.open_request -= 1
        self.taken += 1
        self._last_reply = raw.reply
        if self.problem is not None:
            self._recovered()
        await self._deliver(raw)

    def _on_status(self, headers: dict[str, str]) -> None:
        status, text = headers.get("Status", ""), headers.get("Description", "")
        if status in USUAL and self.problem is not None:
            self._recovered()
        if status == "100":
            return
        self.open_request = 0
        if status not in USUAL:
            self._uncertain = True
            self.problem = self._report(PullRefused(f"NATS ended a pull request: {status} {text}"))
        self._ended()
        self._need.set()

    def _begin_anew(self) -> None:
        """After an outage the server knows nothing of the open request."""
        self.open_request, self._uncertain = 0, True
        self._need.set()

    def _watch(self) -> None:
        """Looks every now and then whether an open request was heard of."""
        if self._silent and self.open_request and self._connected:
            self._begin_anew()
        self._silent = True
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._watch)

    @property
    def _connected(self) -> bool:
        client = self.connection.client
        return client is not None and client.is_connected

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while self._running:
            await self._need.wait()
            self._need.clear()
            try:
                if self.problem is not None:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                    pause = min(pause * 2, LONGEST_PAUSE)
                else:
                    pause = FIRST_PAUSE
                if not self._connected:
                    continue  # `_begin_anew` comes with the connection
                if self._uncertain:
                    await self._find_consumer()
                count = self._wanted()
                if count > 0 and not self.open_request:
                    await self._send_request(count)
            except Exception as error:
                self._uncertain = True
                self.problem = self._report(error)
                self._need.set()

    async def _find_consumer(self) -> None:
        if await self.consumer.find() is None:
            self.consumer.note_last(self._last_reply)
            await self.consumer.look_back()
            await self.consumer.ensure()
        self._uncertain = False

    async def _send_request(self, count: int) -> None:
        consumer = self.consumer
        subject = f"{self._api_prefix}.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.name}"
        data = json.dumps({**self._request, "batch": count}).encode()
        client: Any = self.connection.client
        self.open_request = count
        await client.publish(subject, data, reply=self._inbox)

    @property
    def _api_prefix(self) -> str:
        options = self.connection.js_options
        domain = options.get("domain")
        return f"$JS.{domain}.API" if domain else options.get("prefix", "$JS.API")

    def _report(self, error: Exception) -> Exception:
        logger = self.subscriber.broker.logger
        if logger is not None and str(error) != str(self.problem):
            logger.log(logging.ERROR, f"{self.subscriber!r} cannot receive: {error}; trying again")
        return error

    def _recovered(self) -> None:
        self.problem = None
        logger = self.subscriber.broker.logger
        if logger is not None:
            logger.log(logging.INFO, f"{self.subscriber!r} receives again")

    async def _stop_asking(self) -> None:
        self._running = False
        self.connection.reconnected.discard(self._begin_anew)
        if self._timer is not None:
            self._timer.cancel()
        task, self._task = self._task, None
        if task is not None:
            self._need.set()
            task.cancel()
            await asyncio.wait({task})
        self.open_request = 0

    async def drain(self) -> None:
        """Asks no more and waits until all that came was handed on."""
        await self._stop_asking()
        intake, self._intake = self._intake, None
        if intake is not None:
            try:
                await intake.drain()
            except BaseException:
                self._intake = intake
                raise

    async def close(self) -> None:
        """Ends everything now."""
        await self._stop_asking()
        intake, self._intake = self._intake, None
        if intake is not None:
            await intake.end()
        await self.consumer.forget()

    def waits_for_itself(self) -> bool:
        """Whether waiting for a handler would be waiting for oneself."""
        return inside_handler_of(self.subscriber)

    @property
    def alive(self) -> bool:
        """Whether messages can arrive."""
        task, intake = self._task, self._intake
        started = task is not None and not task.done() and intake is not None and intake.alive
        return started and self.problem is None and not self._uncertain
