"""How long a publish may take, and how often it is tried again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anystream.core.exceptions import PublishTimeout, SetupError

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.response import PublishCommand


@dataclass(frozen=True)
class RetryPolicy:
    """When a publish that failed is tried again.

    Only failures that may pass are repeated (the connection is away, no answer in time), and what
    else `retry_on` names. A message that the server took without being able to say so is then
    there twice: consumers must be ready for that.

    Args:
        attempts: how often it is tried in all, from 1.
        first_pause: seconds before the second attempt; each later pause is twice as long, and
            all are varied by half of their length.
        longest_pause: seconds, at most.
        retry_on: further exception types that are worth another attempt.

    Raises:
        SetupError: numbers that make no sense.
    """

    attempts: int = 5
    first_pause: float = 0.1
    longest_pause: float = 5.0
    retry_on: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_pause < 0 or self.longest_pause < 0:
            raise SetupError(f"{self!r}: `attempts` counts from 1, and pauses are seconds from 0")

    def pause(self, attempt: int) -> float:
        """Seconds to wait after an attempt, counted from 1."""
        pause: float = min(self.first_pause * 2 ** (attempt - 1), self.longest_pause)
        return pause * random.uniform(0.5, 1.5)


@dataclass(frozen=True)
class PublishPolicy:
    """The limits around `Transport.send` and `Transport.send_batch` of one broker.

    Args:
        broker: whose transport it is.
        timeout: seconds for one publish with all its attempts; None for no limit of our own.
        retry: when to try again; None for never.
    """

    broker: Broker
    timeout: float | None
    retry: RetryPolicy | None

    @classmethod
    def of(cls, broker: Broker) -> PublishPolicy | None:
        """The policy of a broker; None when it has neither a limit nor repetitions."""
        if broker.publish_timeout is None and broker.publish_retry is None:
            return None
        return cls(broker, broker.publish_timeout, broker.publish_retry)

    async def send(self, command: PublishCommand, data: bytes, headers: dict[str, Any]) -> Any:
        """Sends one message."""

        async def once() -> Any:
            # a copy: a transport may write into the headers
            return await self.broker.transport.send(command, data, dict(headers))

        return await self._limited(once, command)

    async def send_batch(self, command: Any, batch: Any) -> Any:
        """Sends several messages at once."""

        async def once() -> Any:
            return await self.broker.transport.send_batch(command, batch)

        return await self._limited(once, command)

    async def _limited(self, once: Callable[[], Awaitable[Any]], command: PublishCommand) -> Any:
        work = self._repeated(once, command)
        if self.timeout is None:
            return await work
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait([task], timeout=self.timeout)
        finally:
            task.cancel()
        if not done:
            await asyncio.wait([task], timeout=1.0)  # it may clean up, but nobody waits for ever
            raise PublishTimeout(
                f"the message for {command.destination!r} was not taken within {self.timeout} "
                f"seconds (publish_timeout of {self.broker!r}); it may have been sent or not"
            )
        return task.result()

    async def _repeated(self, once: Callable[[], Awaitable[Any]], command: PublishCommand) -> Any:
        attempt = 1
        while True:
            try:
                return await once()
            except Exception as error:
                retry = self.retry
                if retry is None or attempt >= retry.attempts or not self._passes(error):
                    raise
                pause = retry.pause(attempt)
                self._say(command, error, attempt, pause)
            await asyncio.sleep(pause)
            attempt += 1

    def _passes(self, error: Exception) -> bool:
        named = self.retry.retry_on if self.retry else ()
        return isinstance(error, named) or self.broker.transport.is_transient(error)

    def _say(self, command: PublishCommand, error: Exception, attempt: int, pause: float) -> None:
        logger = self.broker.logger
        if logger is not None and self.retry is not None:
            logger.log(
                logging.WARNING,
                f"publish to {command.destination!r} failed (attempt {attempt} of "
                f"{self.retry.attempts}): {error!r}; again in {pause:.2f} s",
            )
