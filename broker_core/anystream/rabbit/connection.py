"""The connection to RabbitMQ: first connect, outages, ping, end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, TypeVar

import aiormq.exceptions
from yarl import URL

from anystream.core.exceptions import BrokerConnectionError, SetupError
from anystream.core.round_trips import RoundTrips
from anystream.rabbit.errors import ConnectionLost
from anystream.rabbit.link import Link
from anystream.rabbit.urls import redacted

Say = Callable[[int, str], None]
T = TypeVar("T")

ONE_ATTEMPT = 3.0  # seconds to connect
PULSE_EVERY = 3.0  # seconds between looks at the connection
PULSE_TIMEOUT = 3.0
CLOSE_TIMEOUT = 3.0
LOST_AT_ONCE = 0.05  # seconds to wait when a new connection did not last


class RabbitConnection:
    """A connection, and what has to be known about its state.

    Args:
        url: the server.
        options: what the client's connection takes besides.
        say: writes a log line with a level.
        callbacks: the user's `on_close` and `on_reconnected`.
    """

    def __init__(
        self, url: URL, options: dict[str, Any], say: Say, callbacks: dict[str, Any]
    ) -> None:
        self.url = url
        self.options = options
        self.say = say
        self.callbacks = callbacks
        self.link: Link | None = None
        self.looks: set[Callable[[], None]] = set()  # called when something may have changed
        self.restored: list[Callable[[], Any]] = []  # awaited after each reconnect
        self.epoch = 0  # counts connections: what was declared on one may be gone with it
        self._up: asyncio.Event | None = None
        self._closing = False
        self._pulse: Any = None
        self._watch: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()
        self.trips = RoundTrips(lambda: self.is_up, self._round_trip)

    @property
    def address(self) -> str:
        """The server without its password, for people."""
        return redacted(self.url)

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._up is not None and self._up.is_set()

    async def connect(self) -> Link:
        """Connects.

        Raises:
            BrokerConnectionError: the server cannot be reached, or refuses.
        """
        options = dict(self.options)
        timeout = options.pop("timeout", None) or ONE_ATTEMPT
        self._closing, self._up = False, asyncio.Event()
        link = Link(self.url, **options)
        link.lost, link.restored = self._on_lost, self._on_connected
        self.link = link
        try:
            await link.connect(timeout=timeout)
        except BaseException as error:
            await self.close()
            if not isinstance(error, Exception):
                raise
            raise self._failure(error) from error
        self._watch = asyncio.ensure_future(self._keep_watch())
        return link

    def _failure(self, error: Exception) -> BrokerConnectionError:
        what = str(error) or type(error).__name__
        if isinstance(error, asyncio.TimeoutError):
            what = "no answer in time"
        elif isinstance(error, aiormq.exceptions.ProbableAuthenticationError):
            what = f"the credentials are refused ({what})"
        return BrokerConnectionError(
            f"cannot connect to RabbitMQ at {self.address}: {what}. Check that a server runs "
            "there, and the address, the virtual host, the credentials and the TLS settings of "
            "RabbitBroker"
        )

    async def _on_connected(self) -> None:
        again, self.epoch = self.epoch > 0, self.epoch + 1
        if self._up is not None:
            self._up.set()
        if again:
            self.say(logging.INFO, f"Connection established ({self.address})")
            for restore in self.restored:
                self._soon(restore())
            self._soon(self._user("on_reconnected"))
        self._look()

    def _on_lost(self, error: BaseException | None) -> None:
        self._pulse = None
        self.trips.forget()
        if self._up is not None and self._up.is_set():
            self._up.clear()
            if not self._closing:
                what = str(error) if error is not None and str(error) else "connection lost"
                self.say(logging.WARNING, f"Connection broken with {what} ({self.address})")
                self._soon(self._user("on_close", error))
        self._look()

    def _look(self) -> None:
        for look in tuple(self.looks):
            look()

    def _soon(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _user(self, name: str, *args: Any) -> None:
        callback = self.callbacks.get(name)
        if callback is None:
            return
        try:
            result = callback(*args)
            if isawaitable(result):
                await result
        except Exception as error:
            self.say(logging.ERROR, f"{name} of the broker failed: {error!r}")

    async def wait_up(self, timeout: float | None = None) -> bool:
        """Waits until there is a connection; False when the time is over, or all is closed."""
        up = self._up
        if up is None:
            return False
        if up.is_set():
            return True
        try:
            await asyncio.wait_for(up.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return self._up is up

    async def when_up(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does something when there is a connection; again when that one is lost meanwhile.

        Raises:
            ConnectionLost: it cannot be done with a connection that is there, or all is closed.
        """
        while await self.wait_up():
            try:
                return await work()
            except (aiormq.exceptions.AMQPError, RuntimeError, OSError) as error:
                if self.link is not None and self.link.is_open:
                    raise ConnectionLost(f"RabbitMQ at {self.address}: {error}") from error
            await asyncio.sleep(LOST_AT_ONCE)
        raise ConnectionLost(f"the connection to RabbitMQ at {self.address} was closed")

    async def channel(self, *, confirms: bool = False, number: int | None = None) -> Any:
        """Opens a channel below the client's robust ones: what uses it looks after it itself.

        Raises:
            ConnectionError: there is no connection now.
            SetupError: the number is taken, or too high.
        """
        transport = self.link.transport if self.link is not None else None
        if transport is None or not self.is_up:
            raise ConnectionError(f"RabbitMQ at {self.address} is away")
        with self.told_apart():
            try:
                return await transport.connection.channel(
                    channel_number=number, publisher_confirms=confirms, on_return_raises=False
                )
            except ValueError as error:
                raise SetupError(
                    f"a channel with the number {number} cannot be opened ({error}): leave "
                    "channel_number out of Channel, or take a high one"
                ) from error

    @contextmanager
    def told_apart(self) -> Iterator[None]:
        """Around whatever waits for the server.

        When a connection goes down the client ends those who wait with a `CancelledError`, though
        nobody has cancelled them.

        Raises:
            ConnectionError: in place of that one.
        """
        try:
            yield
        except asyncio.CancelledError as error:
            if self._somebody_cancels():
                raise
            raise ConnectionError(f"the connection to {self.address} was lost") from error

    def _somebody_cancels(self) -> bool:
        cancelling = getattr(asyncio.current_task(), "cancelling", None)
        if cancelling is not None:
            return bool(cancelling() > 0)
        # Python 3.10 cannot tell: in an outage it is taken for the client's doing
        transport = self.link.transport if self.link is not None else None
        return self.is_up and transport is not None and not transport.connection.is_closed

    async def _round_trip(self, _: float | None) -> bool:
        # something that the server answers at once; on a channel of its own
        pulse = self._pulse
        if pulse is None or pulse.is_closed:
            pulse = self._pulse = await self.channel()
        with self.told_apart():
            await pulse.basic_qos(prefetch_count=0)
        return True

    async def _keep_watch(self) -> None:
        """Notices a connection that is dead and does not say so, and consumers that are gone."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PULSE_EVERY)
            self._look()
            link = self.link
            if link is None or not self.is_up:
                continue
            began = loop.time()
            if await self.trips.ping(PULSE_TIMEOUT) or not self.is_up:
                continue
            late = loop.time() - began > PULSE_TIMEOUT + 1.0  # this process was busy itself
            heard = link.heard_at()
            if late or link.is_blocked() or (heard is not None and heard >= began):
                continue
            self.say(logging.WARNING, f"RabbitMQ at {self.address} does not answer any more")
            if not link.cut() and link.transport is not None:
                await link.transport.connection.close(ConnectionError("no answer"))

    async def close(self) -> None:
        """Sends what is buffered and disconnects; in an outage it just ends."""
        link, self.link = self.link, None
        self._closing = True
        await self.trips.end()
        tasks = [task for task in (self._watch, *self._later) if task is not None]
        self._watch = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)
        if link is not None:
            await self._end(link)
        up, self._up = self._up, None
        if up is not None:
            up.set()  # who waits for it sees that nothing will come
        self._pulse, self.epoch = None, 0

    async def _end(self, link: Link) -> None:
        ending = asyncio.ensure_future(link.close())
        done, _ = await asyncio.wait({ending}, timeout=CLOSE_TIMEOUT)
        if not done:
            link.cut()
            done, _ = await asyncio.wait({ending}, timeout=CLOSE_TIMEOUT)
        if not done:
            ending.cancel()
        elif not ending.cancelled() and ending.exception() is not None:
            self.say(logging.DEBUG, f"the connection ended with {ending.exception()!r}")
