"""Makes queues, exchanges and bindings at the server, and explains what it refuses."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiormq.exceptions as native

from anystream.core.exceptions import BrokerConnectionError, SetupError
from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.errors import DeclaredDifferently, NotAllowed, NotDeclared, PluginMissing
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.queue import RabbitQueue


class Declarer:
    """Declares on a channel of its own: the server closes a channel on which it refuses something.

    What is equal to something declared before on this connection is not declared again.

    Args:
        connection: the connection.
    """

    def __init__(self, connection: RabbitConnection) -> None:
        self.connection = connection
        self._channel: Any = None
        self._lock: asyncio.Lock | None = None
        self._epoch = 0
        self._known: dict[Any, str] = {}
        self._exchanges: set[str] = set()  # names of those that are there
        self._kept: dict[RabbitExchange | RabbitQueue, str] = {}

    def begin(self) -> None:
        """Forgets everything; called before each connect."""
        self._channel, self._lock = None, asyncio.Lock()
        self._known.clear()
        self._exchanges.clear()
        self._kept.clear()
        self._epoch = 0

    def forget(self, name: str) -> None:
        """A queue or an exchange of that name is gone."""
        self._known = {item: made for item, made in self._known.items() if item.name != name}
        self._exchanges.discard(name)

    async def again(self) -> None:
        """Declares anew what is not looked after by a subscriber; called after a reconnect."""
        for item, owner in tuple(self._kept.items()):
            try:
                if isinstance(item, RabbitExchange):
                    await self.exchange(item, owner)
                else:
                    await self.queue(item, owner)
            except Exception as error:
                self.connection.say(logging.ERROR, f"after the reconnect: {error}")

    def keep(self, item: RabbitExchange | RabbitQueue, owner: str) -> None:
        """From now on this is declared again after a reconnect, unless it says otherwise."""
        if item.declare and item.robust and item.name:
            self._kept.setdefault(item, owner)

    async def queue(self, queue: RabbitQueue, owner: str) -> str:
        """Declares (or checks) a queue and returns its name.

        Raises:
            SetupError: see `errors`.
        """
        async with self._guard() as channel:
            known = self._known.get(queue)
            if known is not None:
                return known
            with self._explained(f"{owner}: the queue {queue.name!r}", queue):
                answer = await channel.queue_declare(
                    queue.name,
                    passive=not queue.declare,
                    durable=queue.durable,
                    exclusive=queue.exclusive,
                    auto_delete=queue.auto_delete,
                    arguments=queue.arguments if queue.declare else None,
                    timeout=queue.timeout,
                )
            self._known[queue] = answer.queue
            return str(answer.queue)

    async def exchange(self, exchange: RabbitExchange, owner: str) -> None:
        """Declares (or checks) an exchange, and before it the one that it is bound to.

        Raises:
            SetupError: see `errors`.
        """
        if exchange.is_default:
            return
        if exchange.bind_to is not None and exchange.declare:
            await self.exchange(exchange.bind_to, owner)
        async with self._guard() as channel:
            if exchange in self._known:
                return
            await self._declare_exchange(channel, exchange, owner)
            self._exchanges.add(exchange.name)
            if exchange.declare:
                self._known[exchange] = exchange.name

    async def _declare_exchange(self, channel: Any, exchange: RabbitExchange, owner: str) -> None:
        what = f"{owner}: the exchange {exchange.name!r}"
        with self._explained(what, exchange):
            await channel.exchange_declare(
                exchange.name,
                exchange_type=exchange.type.value,
                passive=not exchange.declare,
                durable=exchange.durable,
                auto_delete=exchange.auto_delete,
                arguments=exchange.arguments if exchange.declare else None,
                timeout=exchange.timeout,
            )
        source = exchange.bind_to
        if source is not None and exchange.declare and not source.is_default:
            with self._explained(f"{what}, bound to {source.name!r},", exchange):
                await channel.exchange_bind(
                    destination=exchange.name,
                    source=source.name,
                    routing_key=exchange.routing(),
                    arguments=exchange.bind_arguments,
                )

    async def exists(self, exchange: RabbitExchange) -> bool:
        """Whether there is an exchange of that name; never harms the connection."""
        if exchange.name in self._exchanges and self._epoch == self.connection.epoch:
            return True
        try:
            await self.exchange(exchange.passive(), "")
        except NotDeclared:
            return False
        return True

    async def bind(
        self, name: str, queue: RabbitQueue, exchange: RabbitExchange, owner: str
    ) -> None:
        """Binds a queue to its exchange; binding twice does nothing.

        Args:
            name: the queue's name at the server.
            queue: with the key and the arguments of the binding.
            exchange: the exchange.
            owner: who needs it, for messages.
        """
        if exchange.is_default or not queue.declare:
            return
        async with self._guard() as channel:
            with self._explained(f"{owner}: binding {name!r} to {exchange.name!r}", queue):
                await channel.queue_bind(
                    name,
                    exchange.name,
                    routing_key=queue.routing() or name,
                    arguments=queue.bind_arguments,
                )

    def _guard(self) -> _Guard:
        return _Guard(self)

    @contextmanager
    def _explained(self, what: str, item: RabbitExchange | RabbitQueue) -> Iterator[None]:
        with explained(what, item), self.connection.told_apart():
            yield

    async def open(self) -> Any:
        """The channel; a new one if the last was closed, or the connection is another."""
        if self._epoch != self.connection.epoch:
            self._epoch, self._channel = self.connection.epoch, None
            self._known.clear()
            self._exchanges.clear()
        if self._channel is None or self._channel.is_closed:
            self._channel = await self.connection.channel()
        return self._channel


class _Guard:
    """One declaration at a time: the answer to one must not be taken for another's."""

    def __init__(self, declarer: Declarer) -> None:
        self.declarer = declarer
        if declarer._lock is None:
            declarer._lock = asyncio.Lock()
        self.lock = declarer._lock

    async def __aenter__(self) -> Any:
        await self.lock.acquire()
        try:
            return await self.declarer.open()
        except BaseException:
            self.lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self.lock.release()


@contextmanager
def explained(what: str, item: RabbitExchange | RabbitQueue) -> Iterator[None]:
    """Turns the client's errors about a declaration into ones that say what to do."""
    try:
        yield
    except native.ChannelPreconditionFailed as error:
        raise DeclaredDifferently(
            f"{what} is at the server with other properties ({_said(error)}). Declare it as it "
            "is there, or only use it (declare=False), or delete it at the server, or take "
            "another name"
        ) from error
    except native.ChannelNotFoundEntity as error:
        raise NotDeclared(
            f"{what} is not at the server ({_said(error)}). Leave declare=False out to make it, "
            "or make it before"
        ) from error
    except (native.ChannelAccessRefused, native.ChannelLockedResource) as error:
        raise NotAllowed(
            f"{what} may not be used ({_said(error)}). Check the user's permissions, whether it "
            "is exclusive to another connection, and that its name does not begin with 'amq.'"
        ) from error
    except native.ConnectionCommandInvalid as error:
        kind = getattr(item, "type", None)
        raise PluginMissing(
            f"{what} is of a type that the server does not know ({_said(error)}). Enable the "
            f"plugin for {getattr(kind, 'value', kind)!r} at the server (`rabbitmq-plugins enable "
            "...`), or take another type"
        ) from error
    except (ValueError, TypeError, struct.error) as error:
        raise SetupError(
            f"{what} has a name or an argument that AMQP cannot carry: {error}"
        ) from error
    except asyncio.TimeoutError as error:
        raise BrokerConnectionError(f"{what} was not declared in time") from error
    except native.ConnectionClosed as error:
        raise SetupError(f"{what} was refused, with the connection: {_said(error)}") from error
    except (native.AMQPError, native.ChannelInvalidStateError, OSError) as error:
        raise BrokerConnectionError(f"{what} could not be declared: {_said(error)}") from error


def _said(error: BaseException) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
