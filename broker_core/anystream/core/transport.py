"""The contract between the core and a message server's client library.

A broker package implements `Transport` and `Feed` and nothing else of the consuming and
publishing machinery: arguments, middlewares, acknowledgement policies, routing, tests and
documentation are the core's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from anystream.core.exceptions import FeatureNotSupportedException

if TYPE_CHECKING:
    from anystream.core.message import StreamMessage
    from anystream.core.response import PublishCommand
    from anystream.core.subscriber import Subscriber

Deliver = Callable[[Any], Awaitable[None]]
Parse = Callable[[Any], "StreamMessage[Any]"]


class Feed(ABC):
    """The native messages of one subscriber.

    A *pushing* feed (`pulls = False`) gets `deliver` when it is made and has its client call it
    for each message. A *pulling* feed (`pulls = True`) is asked by the runner: `fetch()` waits
    for messages and returns one or more of them; the runner supervises that loop.
    """

    pulls: bool = False

    # With several workers: messages for which this gives the same value are handled in order, one
    # after the other. The feed itself then limits what it hands out: nothing makes `deliver` wait.
    lane: Callable[[Any], Hashable] | None = None

    # Called just before a message is handled; False drops the message, and `handled` is not called.
    begin: Callable[[Any], bool] | None = None

    # Whether the server would have kept what was taken for somebody else, and does not any more:
    # then it is handled even after `StopConsume`.
    forgets: bool = False

    # Seconds that `close` may take; what it awaits is cancelled then.
    close_timeout: float = 2.0

    @abstractmethod
    async def open(self) -> None:
        """Subscribes at the server. Raises what the client raises."""

    async def fetch(self) -> Iterable[Any]:
        """Waits for messages and returns them; may return none. Only for pulling feeds.

        While paused it waits; it must neither return at once without messages nor lose any
        when it is cancelled.
        """
        raise NotImplementedError

    @abstractmethod
    async def pause(self) -> None:
        """Stops intake. When it returns, nothing is taken from the server any more, and what
        had been taken was handed to `deliver` or is returned by no later `fetch`."""

    async def resume(self) -> None:
        """Takes messages again after `pause`."""
        await self.open()

    @abstractmethod
    async def close(self) -> None:
        """Unsubscribes and frees everything; cancels what still runs. Safe to call twice."""

    def handled(self, raw: Any) -> None:  # noqa: B027 - optional
        """Called after each message (or batch) that `deliver` took was handled, whatever came of
        it. A feed that asks its server for a number of messages, or has to know which ones are
        still in hand, overrides it."""

    @property
    def alive(self) -> bool:
        """Whether messages can arrive now."""
        return True

    restarts: int = 0
    """How often the feed had to subscribe again by itself."""


class ReaderOptions(TypedDict, total=False):
    """Options of every `get_one`.

    Keys:
        timeout: seconds to wait, 5 by default.
    """

    timeout: float


class Reader(ABC):
    """Messages one by one, for `get_one` and `async for`."""

    options: Any = ReaderOptions
    """A `TypedDict`: what `get_one` takes and hands to `get`."""

    @abstractmethod
    async def get(self, timeout: float | None) -> Any | None:
        """The next native message; None when `timeout` seconds passed without one."""

    @abstractmethod
    async def close(self) -> None:
        """Ends the subscription."""


class Transport(ABC):
    """One connection to one kind of message server."""

    @property
    @abstractmethod
    def native(self) -> Any:
        """The client library's connection, None while not connected."""

    @abstractmethod
    async def connect(self) -> Any:
        """Connects and returns the native connection.

        Raises:
            BrokerConnectionError: the server cannot be reached or refuses; names the address.
        """

    @abstractmethod
    async def close(self) -> None:
        """Sends what is buffered and disconnects. Safe in any state."""

    @abstractmethod
    async def ping(self, timeout: float | None) -> bool:
        """Whether the server answers a round trip within `timeout` seconds."""

    def known_health(self) -> bool | None:
        """What `ping` would say, where no round trip is needed to say it; else None.

        A health endpoint is asked often: a good answer may count for a second.
        """
        return None

    @property
    def given_up(self) -> bool:
        """Whether the connection is gone and nobody tries to get it back: only a new start of
        the process helps."""
        return False

    async def prepare(self, subscribers: Sequence[Subscriber]) -> None:  # noqa: B027 - optional
        """Called once per start, connected, before feeds are opened (declare streams, queues)."""

    async def started(self) -> None:  # noqa: B027 - optional
        """Called once per start, when all feeds are open; returns when the server knows of them."""

    @abstractmethod
    def parser(self, subscriber: Subscriber | None) -> Parse:
        """A plain function that wraps a native message; it must not read more than it has to.

        Args:
            subscriber: whose messages they will be; None for responses to requests.
        """

    def acks_by_mark(self, subscriber: Subscriber) -> bool:
        """Whether to acknowledge after success it is enough to set `message.committed`: the feed
        looks at it and does the rest. It spares each message some coroutines."""
        return False

    @abstractmethod
    def feed(self, subscriber: Subscriber, deliver: Deliver) -> Feed:
        """Makes the (unopened) feed of a subscriber."""

    def reader(self, subscriber: Subscriber) -> Reader:
        """Makes the reader behind `get_one` and iteration."""
        raise FeatureNotSupportedException(
            f"{type(self).__name__} cannot read messages one by one (get_one, iteration)"
        )

    @abstractmethod
    async def send(self, command: PublishCommand, data: bytes, headers: dict[str, Any]) -> Any:
        """Publishes; returns what the client returns.

        Args:
            command: the broker's own command class, with destination and native options.
            data: the encoded body.
            headers: `content-type` (if known), `correlation_id` and the user's headers.
        """

    async def request(
        self, command: PublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Any:
        """Publishes and returns the native message of the answer.

        Raises:
            TimeoutError: nobody answered within `timeout` seconds.
        """
        raise FeatureNotSupportedException(f"{type(self).__name__} has no request/reply")

    def is_transient(self, error: Exception) -> bool:
        """Whether a failed `send` may succeed a little later: the connection is away, no answer
        came in time. See `RetryPolicy`."""
        return isinstance(error, (ConnectionError, TimeoutError))

    async def send_batch(
        self, command: PublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> Any:
        """Publishes several bodies at once."""
        raise FeatureNotSupportedException(f"{type(self).__name__} cannot publish batches")
