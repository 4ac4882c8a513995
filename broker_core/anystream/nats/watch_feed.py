"""The changes of a bucket: a feed for handlers, a reader for `get_one` and iteration."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.object_store import ObjectStore

from anystream.core.exceptions import FastStreamException, IncorrectState, SetupError
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed, Reader
from anystream.nats.bucket_changes import KeyChange, ObjectChange, key_change, object_change
from anystream.nats.buckets import Buckets
from anystream.nats.connection import NatsConnection
from anystream.nats.ordered import OrderedConsumer
from anystream.nats.schemas import KvWatch, ObjWatch
from anystream.nats.source import NatsSource, wire_subject


class WatchFeed(Feed):
    """Hands on each change, in order, once; after an outage it goes on where it was.

    Args:
        connection: a connection that is up.
        subscriber: who watches.
        deliver: takes a `KeyChange` or an `ObjectChange`.
        buckets: the buckets of the connection.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subscriber: Subscriber,
        deliver: Deliver,
        buckets: Buckets,
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.deliver = deliver
        self.buckets = buckets
        source: NatsSource = subscriber.source
        watch = source.kv_watch or source.obj_watch
        self.watch: KvWatch | ObjWatch = watch if watch is not None else ObjWatch()
        self.name = watched_bucket(subscriber)
        self.storage: ObjectStore | None = None
        self.reading = OrderedConsumer(
            connection,
            subscriber,
            self._take,
            stream=f"{'KV' if source.kv_watch else 'OBJ'}_{self.name}",
            config=self._config(),
            make_stream=self._open_bucket,
        )

    def _config(self) -> ConsumerConfig:
        watch = self.watch
        everything = watch.include_history
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.ALL if everything else DeliverPolicy.LAST_PER_SUBJECT
        )
        if isinstance(watch, KvWatch):
            config.filter_subject = f"$KV.{self.name}.{wire_subject(self.subscriber)}"
            config.headers_only = watch.headers_only or watch.meta_only or None
            config.inactive_threshold = watch.inactive_threshold
        else:
            config.filter_subject = f"$O.{self.name}.M.>"
        return config

    async def _open_bucket(self, _: bool) -> None:
        js = self.connection.js
        if js is None:
            raise IncorrectState(f"{self.subscriber!r} cannot watch: its broker is not connected")
        declare = self.watch.declare
        keys = isinstance(self.watch, KvWatch)
        self.buckets.forget("key_value" if keys else "object_storage", self.name)
        try:
            if keys:
                await self.buckets.key_value(js, self.name, declare, {})
            else:
                self.storage = await self.buckets.object_storage(js, self.name, declare, {})
        except FastStreamException as error:
            raise SetupError(f"{self.subscriber!r}: {error}") from error

    async def _take(self, raw: Msg) -> None:
        change: KeyChange | ObjectChange
        if isinstance(self.watch, KvWatch):
            change = key_change(raw, self.name)
        else:
            try:
                change = object_change(raw, self.storage)
            except ValueError as error:
                logger = self.subscriber.broker.logger
                if logger is not None:
                    logger.log(logging.ERROR, f"{self.subscriber!r} leaves out: {error}")
                return
        if not (change.deleted and self.watch.ignore_deletes):
            await self.deliver(change)

    async def open(self) -> None:
        await self.reading.open()

    async def pause(self) -> None:
        await self.reading.pause()

    async def close(self) -> None:
        await self.reading.close()

    @property
    def alive(self) -> bool:
        return self.reading.alive


class WatchReader(Reader):
    """Reads the changes one by one; what is in the bucket at the first `get` comes first."""

    def __init__(
        self, connection: NatsConnection, subscriber: Subscriber, buckets: Buckets
    ) -> None:
        self._changes: asyncio.Queue[Any] = asyncio.Queue(maxsize=1)
        self._feed = WatchFeed(connection, subscriber, self._changes.put, buckets)
        self._open = False

    async def get(self, timeout: float | None) -> Any | None:
        if not self._open:
            await self._feed.open()
            self._open = True
        try:
            return await asyncio.wait_for(self._changes.get(), timeout)
        except asyncio.TimeoutError:
            return None

    async def close(self) -> None:
        await self._feed.close()


def watched_bucket(subscriber: Subscriber) -> str:
    """The name of the bucket that a subscriber watches."""
    source: NatsSource = subscriber.source
    return source.kv_watch.bucket if source.kv_watch else subscriber.full_address
