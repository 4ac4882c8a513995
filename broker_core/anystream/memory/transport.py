"""The embedded broker's transport: queues in this process, no server, no thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anystream.core.address import nats_template
from anystream.core.bus import Bus
from anystream.core.exceptions import SubscriberNotFound
from anystream.core.ids import gen_cor_id
from anystream.core.subjects import check_subject
from anystream.core.transport import Deliver, Feed, Parse, Reader, Transport
from anystream.memory.message import Letter, MemoryMessage

if TYPE_CHECKING:
    from anystream.core.response import PublishCommand
    from anystream.core.subscriber import Subscriber

INBOX = "_INBOX."


class Mailbox:
    """The letters that wait for one subscriber.

    Args:
        patterns: the subjects it takes.
        queue: its group; of a group one member gets each letter.
    """

    def __init__(self, patterns: Sequence[str], queue: str) -> None:
        self.patterns = patterns
        self.queue = queue
        self.letters: deque[Letter] = deque()
        self.arrived: asyncio.Future[None] | None = None
        self.emptied: asyncio.Future[None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    def put(self, letter: Letter) -> None:
        """Adds a letter and wakes who waits."""
        letter.again = self.put_back
        self.letters.append(letter)
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_result(None)

    def put_back(self, letter: Letter, delay: float) -> None:
        """Delivers a letter once more, after `delay` seconds."""
        again = replace(letter, delivered=letter.delivered + 1)
        loop = asyncio.get_running_loop()

        def arrive() -> None:
            self._timers.discard(timer)
            self.put(again)

        timer = loop.call_later(delay, arrive)
        self._timers.add(timer)

    async def wait(self) -> None:
        """Waits until there is a letter."""
        while not self.letters:
            self.arrived = asyncio.get_running_loop().create_future()
            await self.arrived

    def take(self) -> list[Letter]:
        """Takes all letters."""
        taken = list(self.letters)
        self.letters.clear()
        if self.emptied is not None and not self.emptied.done():
            self.emptied.set_result(None)
        return taken

    async def until_empty(self) -> None:
        """Waits until everything was taken."""
        if self.letters:
            self.emptied = asyncio.get_running_loop().create_future()
            await self.emptied

    def drop(self) -> int:
        """Forgets all letters and cancels repetitions; returns how many there were."""
        count = len(self.letters) + len(self._timers)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.letters.clear()
        return count


class MemoryFeed(Feed):
    """Letters of one subscriber."""

    pulls = True

    def __init__(self, bus: Bus, box: Mailbox, *, batch: bool) -> None:
        self.bus = bus
        self.box = box
        self.batch = batch

    async def open(self) -> None:
        self.bus.join(self.box)

    async def fetch(self) -> Sequence[Any]:
        await self.box.wait()
        taken = self.box.take()
        return [taken] if self.batch else taken

    async def pause(self) -> None:
        self.bus.leave(self.box)
        await self.box.until_empty()

    async def close(self) -> None:
        self.bus.leave(self.box)
        self.box.drop()


class MemoryReader(Reader):
    """Letters one by one."""

    def __init__(self, bus: Bus, box: Mailbox) -> None:
        self.bus = bus
        self.box = box
        bus.join(box)

    async def get(self, timeout: float | None) -> Any | None:
        try:
            await asyncio.wait_for(self.box.wait(), timeout)
        except asyncio.TimeoutError:
            return None
        return self.box.letters.popleft()

    async def close(self) -> None:
        self.bus.leave(self.box)


class MemoryTransport(Transport):
    """Delivers to the subscribers on the same bus.

    Args:
        bus: the subscriptions; brokers that share it reach each other.
    """

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._open = False

    @property
    def native(self) -> Bus | None:
        return self.bus if self._open else None

    async def connect(self) -> Bus:
        self._open = True
        return self.bus

    async def close(self) -> None:
        self._open = False

    async def ping(self, timeout: float | None) -> bool:
        return self._open

    def known_health(self) -> bool:
        return self._open

    def parser(self, subscriber: Subscriber | None) -> Parse:
        template = nats_template(subscriber.full_address) if subscriber else None
        if template is not None and not template.names:
            template = None
        wrap = MemoryMessage.wrap
        if subscriber is not None and subscriber.batch:
            return lambda letters: wrap_batch(letters, template)
        return lambda letter: wrap(letter, template)

    def _box(self, subscriber: Subscriber) -> Mailbox:
        pattern = nats_template(subscriber.full_address).wire
        check_subject(pattern, wildcards=True, owner=repr(subscriber))
        return Mailbox([pattern], subscriber.source.queue)

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> MemoryFeed:
        return MemoryFeed(self.bus, self._box(subscriber), batch=subscriber.batch)

    def reader(self, subscriber: Subscriber) -> MemoryReader:
        return MemoryReader(self.bus, self._box(subscriber))

    async def send(self, command: PublishCommand, data: bytes, headers: dict[str, Any]) -> None:
        subject = command.destination
        found = self.bus.route(subject)
        if not found:
            check_subject(subject, wildcards=False, owner="publish")
            return
        for box in found:
            box.put(Letter(subject, data, headers, command.reply_to))

    async def request(
        self, command: PublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Letter:
        if not self.bus.route(command.destination):
            check_subject(command.destination, wildcards=False, owner="request")
            raise SubscriberNotFound(
                f"nobody answers on {command.destination!r}: no subscriber takes it"
            )
        inbox = command.reply_to = f"{INBOX}{gen_cor_id()}"
        box = Mailbox([inbox], "")
        self.bus.join(box)
        try:
            await self.send(command, data, headers)
            await asyncio.wait_for(box.wait(), timeout)
            return box.letters.popleft()
        except asyncio.TimeoutError:
            raise TimeoutError(
                f"no answer on {command.destination!r} within {timeout} seconds"
            ) from None
        finally:
            self.bus.leave(box)


def wrap_batch(letters: list[Letter], template: Any) -> MemoryMessage:
    """Wraps letters as one message whose body is the list of theirs."""
    message = MemoryMessage.wrap(letters[0], template)
    message.body = [letter.data for letter in letters]
    message.batch_headers = [letter.headers for letter in letters]
    return message
