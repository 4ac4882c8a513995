"""Transactions: what is published in one becomes visible together, or not at all.

The client's package says how a transaction is begun, ended, and given offsets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from anystream.core.ack import AckStatus
from anystream.core.exceptions import FeatureNotSupportedException, IncorrectState
from anystream.kafka_common.message import KafkaMessageCore
from anystream.kafka_common.offsets import Key

_current: ContextVar[object | None] = ContextVar("anystream_kafka_transaction", default=None)


class TransactionDriver(Protocol):
    """What a client's package does for transactions."""

    def around(self) -> AbstractAsyncContextManager[None]:
        """Begins one; commits it at the end of the block, aborts it after an exception. What the
        client raises comes out as our own error."""
        ...

    async def send_offsets(self, offsets: Mapping[Key, int], message: Any) -> bool:
        """Makes offsets part of the open transaction; False when the message's subscriber has no
        group whose offsets they could be."""
        ...


class Transaction:
    """One transaction that is open."""

    def __init__(self, driver: TransactionDriver) -> None:
        self._driver = driver
        self._taken: list[KafkaMessageCore] = []

    async def ack(self, message: Any) -> None:
        """Acknowledges a message as part of the transaction: its offset is committed if and only
        if the transaction is. The message counts as acknowledged from now on.

        Args:
            message: of a subscriber with a group, and with another policy than `ACK_FIRST`.

        Raises:
            IncorrectState: it is none of those, or was settled already.
        """
        places = getattr(message, "places", ())
        highest: dict[Key, int] = {}
        for progress, offset in places:
            highest[progress.key] = max(highest.get(progress.key, 0), offset + 1)
        fits = bool(highest) and message.committed is None
        if not fits or not await self._driver.send_offsets(highest, message):
            raise IncorrectState(
                f"{message!r} cannot be acknowledged in a transaction: it needs a subscriber with "
                "a group_id and without AckPolicy.ACK_FIRST, and must not be settled yet"
            )
        message.committed = AckStatus.ACKED
        self._taken.append(message)

    def committed(self) -> None:
        """The server has the offsets, too."""
        for message in self._taken:
            for progress, offset in message.places:
                progress.settled(offset)
                progress.committed = progress.done

    def aborted(self) -> None:
        """The messages are not acknowledged after all."""
        for message in self._taken:
            message.committed = None


class Transactions:
    """The transactions of one producer, one at a time.

    Args:
        transactional_id: its name; None for no transactions.
    """

    def __init__(self, transactional_id: str | None) -> None:
        self.transactional_id = transactional_id
        self._lock: asyncio.Lock | None = None
        self._open: Transaction | None = None

    def reset(self) -> None:
        """For a new producer."""
        self._lock, self._open = asyncio.Lock(), None

    @property
    def needed(self) -> bool:
        """Whether what is published now must get a transaction of its own."""
        if self.transactional_id is None:
            return False
        return self._open is None or _current.get() is not self._open

    @asynccontextmanager
    async def begin(self, driver: TransactionDriver) -> AsyncIterator[Transaction]:
        """A transaction for the length of a block: committed at its end, aborted by an exception.

        Raises:
            FeatureNotSupportedException: the broker has no `transactional_id`.
            IncorrectState: in a transaction already.
            PublishError: the server does not commit it.
        """
        if self.transactional_id is None or self._lock is None:
            raise FeatureNotSupportedException(
                "transactions need an id: KafkaBroker(..., transactional_id='unique-name')"
            )
        if not self.needed:
            raise IncorrectState("a transaction is open already: transactions do not nest")
        async with self._lock:
            made = self._open = Transaction(driver)
            token = _current.set(made)
            try:
                async with driver.around():
                    yield made
                made.committed()
            except BaseException:
                made.aborted()
                raise
            finally:
                self._open = None
                _current.reset(token)
