"""Runs a subscriber: feeds, workers, supervision, drain.

A message is in flight from the moment it is taken from the client until it is settled. Drain =
stop intake, wait for what was taken, then cancel what takes too long, then close.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any

from anystream.core.ack import AckPolicy
from anystream.core.context import current_frame, outer_of
from anystream.core.exceptions import StopConsume
from anystream.core.lanes import NO_MORE, Lanes
from anystream.core.plan import resolve_policy
from anystream.core.transport import Feed

if TYPE_CHECKING:
    from anystream.core.subscriber import Subscriber

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
CLOSE_SECONDS = 2.0  # for what was cancelled


class Runner:
    """Takes messages from the feed to the pipeline.

    Args:
        subscriber: whose messages they are.
        process: the frozen pipeline; may be replaced while running.
        workers: how many messages are handled at once.
    """

    def __init__(
        self, subscriber: Subscriber, process: Callable[[Any], Awaitable[Any]], workers: int
    ) -> None:
        self.subscriber = subscriber
        self.process = process
        self.workers = workers
        self.active = 0
        self.open = False
        self.begins = True  # with what was taken; not after `StopConsume`
        self.failing: BaseException | None = None
        self.restarts = 0
        self.last_at: float | None = None
        self._idle: asyncio.Event | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._queue: asyncio.Queue[Any] | Lanes | None = None
        self._begin: Callable[[Any], bool] | None = None
        self._feed: Feed | None = None
        self._handled: Callable[[Any], None] | None = None

    async def start(self) -> None:
        """Opens the feed and starts the workers; undoes both when the feed cannot be opened."""
        self.open = True
        deliver = self.consume
        if self.workers > 1:
            deliver = self._enqueue
        try:
            feed = self._feed = self.subscriber.broker.transport.feed(self.subscriber, deliver)
            if getattr(feed.handled, "__func__", None) is not Feed.handled:
                self._handled = feed.handled
            self._begin = feed.begin
            if self.workers > 1:
                lanes = None if feed.lane is None else Lanes(feed.lane)
                self._queue = lanes or asyncio.Queue(maxsize=self.workers)
                for _ in range(self.workers):
                    self._spawn(self._work(self._queue, lanes))
            await feed.open()
        except BaseException:
            await self.stop(0)
            raise
        if feed.pulls:
            self._spawn(self._pull(feed, deliver))

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.append(task)
        return task

    async def consume(self, raw: Any) -> None:
        """Handles one message; nothing but cancellation leaves this function."""
        begin = self._begin
        if not self.begins or (begin is not None and not begin(raw)):
            return
        self.active += 1
        self.last_at = monotonic()
        try:
            await self.process(raw)
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            self._ended_by(error)
        finally:
            self._release()
            if self._handled is not None:
                self._handled(raw)

    async def _in_turn(self, taken: Iterable[Any]) -> None:
        """`consume` for one message after the other, without a coroutine of its own for each."""
        begin, handled, process = self._begin, self._handled, self.process
        self.last_at = monotonic()
        for raw in taken:
            if not self.begins:
                break
            if begin is not None and not begin(raw):
                continue
            try:
                await process(raw)
            except (Exception, SystemExit, asyncio.CancelledError) as error:
                self._ended_by(error)
            finally:
                if handled is not None:
                    handled(raw)
            process = self.process  # it may have been frozen anew meanwhile

    def _ended_by(self, error: BaseException) -> None:
        """After a message whose handler failed: the pipeline has reported and settled it."""
        if isinstance(error, asyncio.CancelledError):
            if is_cancelled():
                raise error
            # what the handler awaited was cancelled, not the handler: intake must go on
            self._say(logging.ERROR, "a handler ended with a CancelledError of its own")
        if isinstance(error, (StopConsume, SystemExit)):
            self.begins = self._is_last_chance()  # else what was taken is let go
            self.subscriber.stop_soon()
        if isinstance(error, SystemExit):
            app = self.subscriber.broker.context.get("app")
            if app is not None:
                app.exit()

    def _is_last_chance(self) -> bool:
        """Whether the server, that keeps messages, has forgotten already what was taken."""
        first = resolve_policy(self.subscriber) is AckPolicy.ACK_FIRST
        return first or (self._feed is not None and self._feed.forgets)

    def _release(self) -> None:
        self.active -= 1
        if self._idle is not None:
            self._idle.set()

    async def _enqueue(self, raw: Any) -> None:
        self.active += 1
        try:
            await self._queue.put(raw)  # type: ignore[union-attr]
        except BaseException:
            self.active -= 1
            raise

    async def _work(self, queue: asyncio.Queue[Any] | Lanes, lanes: Lanes | None) -> None:
        while True:
            raw = await queue.get()
            if raw is NO_MORE:
                return
            self._release()  # it was counted when it was put there, and is again right now
            await self.consume(raw)
            if lanes is not None:
                lanes.release(raw)

    async def _pull(self, feed: Feed, deliver: Callable[[Any], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE
        while self.open:
            try:
                taken = await feed.fetch()
                if self.failing is not None:
                    self.failing = None
                    self._say(logging.INFO, "receives again")
                pause = FIRST_PAUSE
                self.active += 1  # all that was taken is in flight, delivered yet or not
                try:
                    if self._queue is None:
                        await self._in_turn(taken)
                    else:
                        for raw in taken:
                            await deliver(raw)
                finally:
                    self._release()
            except Exception as error:
                if self.failing is None or str(error) != str(self.failing):
                    self._say(logging.ERROR, f"cannot receive: {error!r}; trying again", error)
                self.failing = error
                self.restarts += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, LONGEST_PAUSE)

    def _say(self, level: int, text: str, error: BaseException | None = None) -> None:
        logger = self.subscriber.broker.logger
        if logger is not None:
            logger.log(level, f"{self.subscriber!r} {text}", exc_info=error)

    @property
    def alive(self) -> bool:
        """Whether messages can arrive and be handled."""
        dead = any(task.done() for task in self._tasks)
        feed = self._feed
        return self.open and not dead and self.failing is None and feed is not None and feed.alive

    @property
    def all_restarts(self) -> int:
        """How often receiving was begun again, here or by the feed itself."""
        return self.restarts + (self._feed.restarts if self._feed is not None else 0)

    async def pause(self) -> None:
        """Stops intake; what was taken is still handled."""
        if self._feed is not None:
            await self._feed.pause()

    async def resume(self) -> None:
        """Takes messages again."""
        if self._feed is not None:
            await self._feed.resume()

    async def stop(self, timeout: float | None) -> None:
        """Drains for at most `timeout` seconds (None or 0: not at all), then cancels and closes."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout or 0)
        feed = self._feed
        inside = inside_handler_of(self.subscriber)
        # a handler that stops the very task that takes its messages: nothing can be drained
        alone = inside and self._queue is None and feed is not None and feed.pulls
        drained = alone
        try:
            if feed is not None and timeout and not alone:
                await _bounded(feed.pause(), timeout)
                drained = await self._drained(deadline)
        finally:  # also when the drain itself is cancelled: nothing may be left running
            self.open = self.begins = False
            if inside and drained:
                await self._dismiss()
            else:
                await self._cancel()
            self._tasks.clear()
            if feed is not None:
                await _bounded(feed.close(), feed.close_timeout)
            self._feed = None

    async def _cancel(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)

    async def _dismiss(self) -> None:
        """Lets the tasks end by themselves: one of them runs the handler that calls this."""
        if self._queue is None:
            return
        for task in self._tasks[self.workers :]:
            task.cancel()
        for _ in range(self.workers):
            await self._queue.put(NO_MORE)

    async def _drained(self, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        # a handler that stops its own subscriber cannot wait for itself
        own = 1 if inside_handler_of(self.subscriber) else 0
        while self.active > own:
            self._idle = asyncio.Event()
            left = deadline - loop.time()
            if left <= 0 or not await _bounded(self._idle.wait(), left):
                self._say(logging.WARNING, f"gives up {self.active - own} message(s) in flight")
                return False
        return True


async def _bounded(work: Awaitable[Any], timeout: float) -> bool:
    """Runs something for a limited time; its errors do not matter. True when it ended in time."""
    try:
        await asyncio.wait_for(work, timeout)
    except Exception:
        return False
    return True


def is_cancelled() -> bool:
    """Whether somebody cancels this task; Python 3.10 cannot tell, so there it counts as yes."""
    cancelling = getattr(asyncio.current_task(), "cancelling", None)
    return cancelling is None or cancelling() > 0


def inside_handler_of(subscriber: Any) -> bool:
    """Whether this code is called by a handler of the subscriber, for whose end it cannot wait."""
    frame = current_frame.get()
    while frame is not None:
        if isinstance(frame, tuple) and frame[2] is subscriber:
            return True
        frame = outer_of(frame)
    return False
