"""The connection to NATS: first connect, outages, ping, end."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from anystream.core.exceptions import BrokerConnectionError

Say = Callable[[int, str], None]

PING_IS_GOOD_FOR = 1.0
FIRST_RETRY_WAIT = 0.2
CLOSE_TIMEOUT = 3.0
FOR_EVER = 24 * 3600

_HOPELESS = (
    "authorization violation",
    "authorization failed",
    "authentication",
    "invalid credentials",
    "invalid client protocol",
    "unknown protocol",
    "maximum connections",
    "maximum account",
    "secure connection",
    "tls required",
)


class NatsConnection:
    """A client, and what has to be known about the state of its connection.

    Args:
        servers: addresses.
        options: the client's options.
        js_options: options of its JetStream context.
        say: writes a log line with a level.
    """

    def __init__(
        self,
        servers: Sequence[str],
        options: dict[str, Any],
        js_options: dict[str, Any],
        say: Say,
    ) -> None:
        self.servers = list(servers)
        self.options = options
        self.js_options = js_options
        self.say = say
        self.client: Client | None = None
        self.js: JetStreamContext | None = None
        self.reconnected: set[Callable[[], None]] = set()
        self.denied: list[str] = []
        self._connecting = False
        self._closing = False
        self.given_up = False
        self._broken: BaseException | None = None
        self._said: dict[str, float] = {}
        self._trips: set[asyncio.Task[None]] = set()
        self._ping: asyncio.Task[None] | None = None
        self._good_until = 0.0

    @property
    def address(self) -> str:
        """The servers without passwords, for people."""
        return ", ".join(redacted(server) for server in self.servers)

    @property
    def is_up(self) -> bool:
        """Whether the server is connected now."""
        return self.client is not None and self.client.is_connected

    async def connect(self) -> Client:
        """Connects; tries each server twice at most.

        Raises:
            BrokerConnectionError: no server can be reached, or one refuses.
        """
        client = Client()
        self._connecting, self._closing, self._broken = True, False, None
        self.given_up = False
        self.denied.clear()
        first = {
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": min(FIRST_RETRY_WAIT, self.options["reconnect_time_wait"]),
        }
        try:
            await client.connect(servers=self.servers, **{**self.options, **first, **self._hooks()})
        except BaseException as error:
            self._closing = True
            await _end(client.close(), CLOSE_TIMEOUT)
            if not isinstance(error, Exception):
                raise
            raise self._failure(error) from error
        finally:
            self._connecting = False
        for name in first:  # from now on, those of the user
            client.options[name] = self.options[name]
        self.client, self.js = client, client.jetstream(**self.js_options)
        return client

    def _failure(self, error: Exception) -> BrokerConnectionError:
        cause = error
        if isinstance(error, nats.errors.NoServersError) and isinstance(self._broken, Exception):
            cause = self._broken
        what = str(cause) or type(cause).__name__
        return BrokerConnectionError(
            f"cannot connect to NATS at {self.address}: {what}. Check that a server runs there, "
            "and the address, the credentials and the TLS settings of NatsBroker"
        )

    def _hooks(self) -> dict[str, Any]:
        return {
            "error_cb": self._on_error,
            "disconnected_cb": self._on_disconnected,
            "reconnected_cb": self._on_reconnected,
            "closed_cb": self._on_closed,
        }

    async def _on_error(self, error: Exception) -> None:
        text = str(error).lower()
        if self._connecting:
            self._broken = error
            if isinstance(error, ssl.SSLError) or any(word in text for word in _HOPELESS):
                raise error
        elif "permissions violation for subscription" in text:
            self.denied.append(str(error))
            self._say_rarely(f"NATS refuses: {error}")
        elif isinstance(error, nats.errors.SlowConsumerError):
            self._say_rarely(
                f"messages of {error.subject!r} are dropped: more are waiting than "
                "pending_msgs_limit or pending_bytes_limit allows"
            )
        elif isinstance(error, (OSError, asyncio.TimeoutError, nats.errors.StaleConnectionError)):
            self._note_broken(error)
        else:
            self._say_rarely(f"NATS reports: {error!r}")
        await self._user("error_cb", error)

    def _note_broken(self, error: BaseException) -> None:
        self._good_until = 0.0
        if self._broken is None and not self._closing:
            self._broken = error
            what = str(error) or type(error).__name__
            self.say(logging.WARNING, f"Connection broken with {what} ({self.address})")

    def _say_rarely(self, text: str) -> None:
        """Writes the same line at most every five seconds."""
        now = asyncio.get_running_loop().time()
        if now >= self._said.get(text, 0.0):
            self._said[text] = now + 5.0
            self.say(logging.WARNING, text)

    async def _on_disconnected(self) -> None:
        self._note_broken(ConnectionError("the connection was lost"))
        self._forget_trips()
        await self._user("disconnected_cb")

    async def _on_reconnected(self) -> None:
        self._broken = None
        self.say(logging.INFO, f"Connection established ({self.address})")
        for listener in tuple(self.reconnected):
            listener()
        await self._user("reconnected_cb")

    async def _on_closed(self) -> None:
        if not self._closing:
            self.given_up = True
            self.say(
                logging.ERROR,
                f"Connection closed: NATS at {self.address} was not reached again in "
                f"{self.options['max_reconnect_attempts']} attempts for each server",
            )
        await self._user("closed_cb")

    async def _user(self, name: str, *args: Any) -> None:
        callback = self.options.get(name)
        if callback is not None and not (self._connecting and name != "error_cb"):
            await callback(*args)

    def _start_trip(self, times: int) -> asyncio.Task[None]:
        # `flush` must never time out or be cancelled while connected: the client would then
        # fall over the late answer. So it runs in a task of its own, and only waiting for that
        # is limited.
        async def trip(client: Any) -> None:
            for _ in range(times):
                await client.flush(timeout=FOR_EVER)

        task = asyncio.ensure_future(trip(self.client))
        self._trips.add(task)
        task.add_done_callback(self._trip_ended)
        return task

    def _trip_ended(self, task: asyncio.Task[None]) -> None:
        self._trips.discard(task)
        if not task.cancelled() and task.exception() is None:
            self._good_until = time.monotonic() + PING_IS_GOOD_FOR

    def _forget_trips(self) -> None:
        self._good_until = 0.0
        for task in tuple(self._trips):
            task.cancel()

    async def round_trip(self, timeout: float | None = None) -> bool:
        """Waits until the server has seen everything that was sent before.

        Args:
            timeout: seconds to wait at most.

        Returns:
            False when the connection is or gets lost, or the time is over.
        """
        if self.client is None or not self.client.is_connected:
            return False
        # the client writes its PING at once, before commands that wait in its buffer: only the
        # answer to a second one says that those arrived
        task = self._start_trip(2)
        await asyncio.wait({task}, timeout=timeout)
        return _went_well(task)

    async def ping(self, timeout: float | None) -> bool:
        """Whether the server answers; asked at most once a second while it does."""
        known, client = self.known_health(), self.client
        if known is not None or client is None:
            return bool(known)
        task = self._ping
        if task is None or task.done():
            task = self._ping = self._start_trip(1)
        await asyncio.wait({task}, timeout=timeout)
        return _went_well(task) and client.is_connected

    def known_health(self) -> bool | None:
        """False while not connected, True for a second after a good answer, else None."""
        client = self.client
        if client is None or not client.is_connected:
            return False
        return True if time.monotonic() < self._good_until else None

    async def close(self) -> None:
        """Sends what is buffered and disconnects; in an outage it just ends."""
        client, self.client, js, self.js = self.client, None, self.js, None
        self._closing = True
        self.reconnected.clear()
        if client is None or client.is_closed:
            self._forget_trips()
            return
        self.client = client
        answers = await self.round_trip(CLOSE_TIMEOUT)
        self.client = None
        if answers:
            await _end(client.drain(), self.options["drain_timeout"] + CLOSE_TIMEOUT)
        elif client.pending_data_size:
            self.say(
                logging.ERROR,
                f"{client.pending_data_size} bytes that were published while NATS at "
                f"{self.address} was away are lost: it did not come back before the stop",
            )
        if not client.is_closed:
            await _end(client.close(), CLOSE_TIMEOUT)
        self._forget_trips()
        del js


def _went_well(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _end(work: Any, timeout: float) -> None:
    """Awaits something that ends a client; its errors do not matter any more."""
    try:
        await asyncio.wait_for(work, timeout)
    except Exception:
        return


def redacted(server: str) -> str:
    """An address without password or token."""
    parts = urlsplit(server if "://" in server else f"nats://{server}")
    if "@" not in parts.netloc:
        return server
    account, _, host = parts.netloc.rpartition("@")
    user, colon, _ = account.partition(":")
    return parts._replace(netloc=f"{user}:***@{host}" if colon else f"***@{host}").geturl()
