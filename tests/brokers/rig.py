"""A broker as a case sees it: a harness, on the server or in test mode, with one kind."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from anystream.core.exceptions import SubscriberNotFound
from tests.brokers.harness import Can, Fate, Harness
from tests.waiting import Seen

_numbers = itertools.count(1)


class Rig:
    """What cases work with.

    Args:
        harness: the broker.
        mode: `server`, or `test` for its test broker.
        kind: how addresses are read and written; see `Harness`.
    """

    def __init__(self, harness: Harness, mode: str, kind: str = "") -> None:
        self.harness = harness
        self.mode = mode
        self.kind = kind or harness.kinds[0]
        self.patience = harness.patience
        self._ticks = 0
        self.quiet = harness.quiet if mode == "server" else 0.0

    def __repr__(self) -> str:
        return f"{self.harness.name}-{self.mode}-{self.kind}"

    @property
    def on_server(self) -> bool:
        """Whether a server (or the running embedded broker) is behind it."""
        return self.mode == "server"

    def of_kind(self, purpose: str) -> Rig:
        """This rig with the kind for `pattern`, `everyone`, `group`, `batch`, `publish_batch`."""
        return Rig(self.harness, self.mode, self.harness.kind_for(purpose))

    def first_kind(self) -> Rig:
        """This rig with the first kind: what `reply_to` means."""
        return Rig(self.harness, self.mode)

    def can(self, can: Can) -> bool:
        """Whether something can be done here."""
        return self.harness.why_closed(can, self.mode, self.kind) is None

    def fate(self, verb: str) -> Fate:
        """What becomes of a message after ack, nack, reject or nothing."""
        return self.harness.fate(verb, self.kind)

    def seen(self) -> Seen:
        """Something that handlers put what they saw into."""
        return Seen(self.patience)

    def address(self) -> str:
        """An address of this case's own."""
        if self.on_server:
            return self.harness.new_address()
        return f"anystream.memory.{next(_numbers)}"

    def group(self) -> str:
        """The name of a group of this case's own."""
        return f"{self.address().replace('.', '-')}-group"

    def broker(self, **options: Any) -> Any:
        """A broker that is not started."""
        return self.harness.broker(**{"logger": None, **options})

    def brokers(self, count: int, **options: Any) -> list[Any]:
        """Several brokers on one server."""
        return self.harness.brokers(count, **{"logger": None, **options})

    def router(self, prefix: str = "", handlers: Sequence[Any] = (), **options: Any) -> Any:
        """A router of this broker's family."""
        return self.harness.router_class(prefix=prefix, handlers=handlers, **options)

    def route(
        self, call: Any, address: str, *, publishers: Sequence[Any] = (), **options: Any
    ) -> Any:
        """A route of this broker's family."""
        args, kwargs = self.harness.source_of(address, self.kind)
        return self.harness.route_class(call, *args, publishers=publishers, **kwargs, **options)

    def route_publisher(self, address: str, **options: Any) -> Any:
        """A publisher for a route."""
        return self.harness.route_publisher_class(
            **self.harness.target(address, self.kind), **options
        )

    def subscribe(
        self,
        owner: Any,
        address: str,
        *,
        group: str | None = None,
        batch: bool = False,
        **options: Any,
    ) -> Any:
        """`owner.subscriber(...)` for an address, from its beginning."""
        args, kwargs = self.harness.source_of(address, self.kind, group=group, batch=batch)
        return owner.subscriber(*args, **kwargs, **options)

    def publisher(self, owner: Any, address: str, **options: Any) -> Any:
        """`owner.publisher(...)` for an address."""
        return owner.publisher(**self.harness.target(address, self.kind), **options)

    @asynccontextmanager
    async def running(self, *brokers: Any) -> AsyncIterator[Any]:
        """Started brokers: on the server, or together in their test broker."""
        if not self.on_server:
            async with self.harness.test_class(*brokers):
                yield brokers[0]
            return
        started: list[Any] = []
        try:
            for broker in brokers:
                started.append(broker)
                await broker.start()
            yield brokers[0]
        finally:
            for broker in started:
                await broker.stop()

    @asynccontextmanager
    async def prepared(self, broker: Any) -> AsyncIterator[Any]:
        """A broker that an application will start: in test mode inside its test broker."""
        if self.on_server:
            yield broker
        else:
            async with self.harness.test_class(broker, connect_only=True):
                yield broker

    async def publish(
        self,
        broker: Any,
        body: Any,
        address: str,
        *,
        fails: type[BaseException] | None = None,
        **options: Any,
    ) -> Any:
        """Publishes. A handler that `fails` raises that here in test mode."""
        sending = self.harness.publish(broker, body, address, self.kind, **options)
        if fails is not None and not self.on_server:
            with pytest.raises(fails):
                await sending
            return None
        return await sending

    async def publish_anyway(self, broker: Any, body: Any, address: str) -> None:
        """Publishes where perhaps nobody listens, which some brokers refuse."""
        with suppress(SubscriberNotFound):
            await self.publish(broker, body, address)

    async def ensure(self, *addresses: str) -> None:
        """Makes addresses that do not come from `address`."""
        if self.on_server:
            await self.harness.ensure(*addresses)

    async def publish_batch(
        self, broker: Any, bodies: Sequence[Any], address: str, **options: Any
    ) -> Any:
        """Publishes several bodies by one call."""
        return await self.harness.publish_batch(broker, bodies, address, self.kind, **options)

    async def request(self, broker: Any, body: Any, address: str, **options: Any) -> Any:
        """Asks, and returns the answer's message."""
        options.setdefault("timeout", self.patience)
        return await self.harness.request(broker, body, address, self.kind, **options)

    async def reading(self, subscriber: Any) -> None:
        """Waits until a first `get_one` or iteration has its subscription at the server."""
        await self.harness.reading(subscriber, self.kind)

    async def tick(self) -> None:
        """A short moment for the broker, to be called in a loop that waits for something."""
        self._ticks += 1
        if self._ticks > self.patience * 100:
            pytest.fail(f"it did not happen within {self.patience} s")
        await asyncio.sleep(0.01)

    async def nothing_more(self) -> None:
        """Gives time to what must not happen."""
        if self.quiet:
            await asyncio.sleep(self.quiet)


_scenes: dict[tuple[str, str], Any] = {}


def scene(rig: Rig, play: Callable[[Rig], Awaitable[Any]]) -> Any:
    """What a scene returned that many cases look at: it is played once for each rig.

    For tables of cases, where a start of the broker for each would take most of the time. The
    cases are plain functions, because a scene has an event loop of its own.
    """
    key = repr(rig), f"{play.__module__}.{play.__qualname__}"
    if key not in _scenes:
        try:
            _scenes[key] = asyncio.run(_coroutine(play(rig)))
        except Exception as error:
            _scenes[key] = error
    found = _scenes[key]
    if isinstance(found, Exception):
        raise found
    return found


async def _coroutine(work: Awaitable[Any]) -> Any:
    return await work
