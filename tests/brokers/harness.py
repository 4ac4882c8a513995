"""What the suite has to know of a broker: one `Harness` each, in `harness_<name>.py`.

The cases in `test_brokers_*.py` use the public API only. Where brokers call the same thing by
different names (a subject, a topic, a queue), or do not have it at all, the harness says so.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar
from uuid import uuid4

from hypothesis import strategies as st

_numbers = itertools.count(1)
RUN = f"{os.getpid()}x{uuid4().hex[:6]}"


class Can(str, Enum):
    """A behaviour that a broker has unless its harness closes it, with a reason."""

    REQUEST = "a request gets the handler's result as its answer"
    NOTICE_NOBODY = "a request that nobody takes fails at once"
    FAIL_FAST = "a request whose handler fails, fails at once"
    BATCH = "a handler can take several messages as a list"
    PUBLISH_BATCH = "several bodies are published by one call"
    EVERYONE = "two subscribers of one address both get each message"
    GROUP = "of a group one member gets each message"
    GROUPS_APART = "each of two groups gets each message"
    PATTERN = "a subscriber can read addresses by a pattern, with `{name}` parts"
    PREFIXED_PATTERN = "a router's prefix stands before a pattern"
    HEADERS = "headers travel with the body"
    CONTENT_TYPE = "the content type travels with the body"
    FOREIGN = "messages of producers that know nothing of anystream are read"
    FOREIGN_HEADERS = "such producers can send headers"
    KEEP = "what was published while nobody ran is delivered later"
    REDELIVER = "what becomes of a message depends on its acknowledgement"
    NEXT = "what was taken and not acknowledged comes to the next consumer of the group"
    WORKERS = "`max_workers` messages are handled at once"
    ORDER = "messages of one address arrive in the order of their publishing"
    PAUSE = "a paused subscriber takes nothing until it is resumed"
    READ = "`get_one` and `async for` take messages without a handler"
    BACKGROUND = "a publish does not wait for the handler"
    DRAIN = "`stop()` waits for handlers in flight, and cancels them after `graceful_timeout`"
    REFUSE = "a message that can never be taken is refused at once, whatever `publish_retry` says"
    SERVER = "a server that is away makes the start fail"
    CONNECTION = "publishing without a connection is refused"


class Fate(str, Enum):
    """What becomes of a message after something was (or was not) told to the server."""

    DONE = "done"  # never delivered again
    AGAIN = "again"  # delivered again at once
    KEPT = "kept"  # not delivered again now, but the server still has it


# No test broker has a server behind it, whatever the broker.
CLOSED_IN_TEST_MODE: Mapping[Can, str] = {
    Can.FOREIGN: "there is no server that others could publish to",
    Can.FOREIGN_HEADERS: "there is no server that others could publish to",
    Can.KEEP: "nothing is kept for subscribers that come later",
    Can.REDELIVER: "nothing is delivered a second time; `message.committed` says what was told",
    Can.NEXT: "nothing is delivered a second time",
    Can.WORKERS: "a publish delivers in its own task, one message after the other",
    Can.PAUSE: "a publish is delivered to every subscriber that was started",
    Can.READ: "messages go to handlers in the publisher's task; there is nothing to read from",
    Can.BACKGROUND: "a publish returns when the handlers are done, and raises what they raise",
    Can.DRAIN: "nothing is in flight once the publish has returned",
    Can.REFUSE: "there is no server that refuses",
    Can.SERVER: "there is no server",
    Can.CONNECTION: "a test broker is connected from its beginning to its end",
}


class Harness(ABC):
    """One broker.

    A *kind* is one way to read and write an address (a core subject or a stream; a channel, a
    list or a stream). Cases run on the first kind unless they say otherwise.
    """

    name: ClassVar[str]
    """As in `anystream.<name>`; also the pytest marker."""
    kinds: ClassVar[Sequence[str]]
    settling: ClassVar[Sequence[str]] = ()
    """The kinds whose server knows acknowledgement; they must take a `group`."""
    pattern_kind: ClassVar[str] = ""
    """The kind that reads by patterns; the first one if empty. It need not be one of `kinds`: then
    only the cases about patterns run on it."""
    everyone_kind: ClassVar[str] = ""
    """The kind where two subscribers of one address both get each message; the first if empty."""
    group_kind: ClassVar[str] = ""
    """The kind with groups; the first one if empty."""
    batch_kind: ClassVar[str] = ""
    """The kind whose handlers take lists; the first one if empty."""
    publish_batch_kind: ClassVar[str] = ""
    """The kind that `publish_batch` goes to; `batch_kind` if empty."""

    closed: ClassVar[Mapping[Can, str]] = {}
    """What the broker cannot do, with the reason."""
    closed_kinds: ClassVar[Mapping[str, Mapping[Can, str]]] = {}
    """The same for single kinds."""
    closed_in_test_mode: ClassVar[Mapping[Can, str]] = {}
    """What only its test broker cannot do, besides `CLOSED_IN_TEST_MODE`."""

    unordered: ClassVar[Mapping[str, Any]] = {}
    """Options of `subscriber` that let workers take messages of one address at once, where they
    would otherwise keep their order."""

    fates: ClassVar[Mapping[str, Fate]] = {
        "ack": Fate.DONE,
        "nack": Fate.AGAIN,
        "reject": Fate.DONE,
        "nothing": Fate.KEPT,
    }
    """What becomes of a message of a settling kind after each of these."""
    fate_words: ClassVar[Mapping[str, str]] = {}
    """The same in words, for `docs/brokers.md`."""

    patience: ClassVar[float] = 10.0
    """Seconds to wait for something that must happen."""
    quiet: ClassVar[float] = 0.15
    """Seconds to wait for something that must not happen."""

    # Classes of the package.
    broker_class: ClassVar[type[Any]]
    router_class: ClassVar[type[Any]]
    route_class: ClassVar[type[Any]]
    route_publisher_class: ClassVar[type[Any]]
    test_class: ClassVar[type[Any]]
    response_class: ClassVar[type[Any]]
    message_class: ClassVar[type[Any]]
    message: ClassVar[Any]
    """The annotation that hands the message to a handler (`anystream.<name>.annotations`)."""
    publisher_argument: ClassVar[str]
    """The name of the argument that an address is given to, for example `subject`."""

    @abstractmethod
    def broker(self, **options: Any) -> Any:
        """A broker that is not started; on the real server."""

    def brokers(self, count: int, **options: Any) -> list[Any]:
        """Several brokers that reach each other."""
        return [self.broker(**options) for _ in range(count)]

    @abstractmethod
    def source(
        self, address: str, kind: str, *, group: str | None = None, batch: bool = False
    ) -> dict[str, Any]:
        """Keyword arguments of `subscriber` that read an address *from its beginning*.

        `address` may hold `{name}` parts and wildcards if `kind` is `pattern_kind`. Without a
        group nothing else may take this subscriber's messages. With `batch` the handler takes a
        list of at least up to 10, and does not wait longer than about 0.3 s for more.
        """

    def source_soon(self, address: str, kind: str, group: str) -> dict[str, Any]:
        """`source` of a settling kind that gets within 2 s what another consumer of the group,
        which has ended, took and did not acknowledge; for servers that have a time for that."""
        return self.source(address, kind, group=group)

    def target(self, address: str, kind: str) -> dict[str, Any]:
        """Keyword arguments of `publish`, `request` and `publisher` for an address."""
        return {self.publisher_argument: address}

    def source_of(
        self, address: str, kind: str, **options: Any
    ) -> tuple[list[Any], dict[str, Any]]:
        """`source` as positional and keyword arguments, for clients with `*topics`."""
        return [], self.source(address, kind, **options)

    def soon_of(self, address: str, kind: str, group: str) -> tuple[list[Any], dict[str, Any]]:
        """`source_soon` as positional and keyword arguments."""
        return [], self.source_soon(address, kind, group)

    def new_address(self) -> str:
        """An address that nobody else uses and that can be published to at once.

        It has three parts with dots between them, because cases cut it into a prefix and a rest.
        """
        return f"anystream.{RUN}.{next(_numbers)}"

    async def ensure(self, *addresses: str) -> None:  # noqa: B027 - optional
        """Makes addresses that do not come from `new_address`, where the server wants that."""

    def broker_nowhere(self, **options: Any) -> Any:
        """A broker whose server is not there: `127.0.0.1`, a port where nobody listens."""
        raise NotImplementedError

    def away(self) -> Exception:
        """What a publish raises while the server is away."""
        return ConnectionError("away")

    async def publish_refused(self, broker: Any, address: str) -> Any:
        """Publishes what the server or its client can never take."""
        raise NotImplementedError

    async def reading(self, subscriber: Any, kind: str) -> None:
        """Waits until the subscription behind a first `get_one` or iteration, which was just
        begun in another task, is known to the server. Only for kinds that keep nothing."""
        await asyncio.sleep(0.05)

    async def publish(self, broker: Any, body: Any, address: str, kind: str, **options: Any) -> Any:
        """Publishes through the broker. Options: headers, reply_to, correlation_id."""
        return await broker.publish(body, **self.target(address, kind), **options)

    async def publish_batch(
        self, broker: Any, bodies: Sequence[Any], address: str, kind: str, **options: Any
    ) -> Any:
        """Publishes several bodies by one call. Options: headers, correlation_id."""
        return await broker.publish_batch(*bodies, **self.target(address, kind), **options)

    async def request(self, broker: Any, body: Any, address: str, kind: str, **options: Any) -> Any:
        """Asks through the broker. Options: headers, correlation_id, timeout."""
        return await broker.request(body, **self.target(address, kind), **options)

    async def send_foreign(
        self, data: bytes, address: str, kind: str, headers: Mapping[str, str]
    ) -> None:
        """Publishes with the bare client, as a producer that knows nothing of anystream."""
        raise NotImplementedError

    async def left(self, address: str, kind: str, group: str) -> int:
        """How many messages the server still holds for a group whose consumer has ended: not
        delivered yet, or delivered and not acknowledged. Asked with the bare client."""
        raise NotImplementedError

    async def clean(self) -> None:  # noqa: B027 - optional
        """Deletes at the server what the cases have made; once, at the end."""

    def patterns(self, root: str) -> st.SearchStrategy[str]:
        """Patterns below a root, with all the wildcards that the broker has."""
        raise NotImplementedError

    def concrete(self, root: str) -> st.SearchStrategy[str]:
        """Addresses below a root that such patterns may or may not take."""
        raise NotImplementedError

    def fate(self, verb: str, kind: str) -> Fate:
        """What becomes of a message of a kind; see `fates`."""
        return self.fates[verb]

    def words(self, verb: str, kind: str) -> str:
        """The same in words; see `fate_words`."""
        return self.fate_words.get(verb, self.fate(verb, kind).value)

    def why_closed(self, can: Can, mode: str, kind: str) -> str | None:
        """The reason why something cannot be done; None if it can."""
        found = self.closed.get(can) or self.closed_kinds.get(kind, {}).get(can)
        if found is None and mode == "test":
            found = self.closed_in_test_mode.get(can) or CLOSED_IN_TEST_MODE.get(can)
        return found

    def kind_for(self, purpose: str) -> str:
        """The kind for `pattern`, `everyone`, `group`, `batch` or `publish_batch`."""
        kind: str = getattr(self, f"{purpose}_kind")
        if not kind and purpose == "publish_batch":
            kind = self.batch_kind
        return kind or self.kinds[0]
