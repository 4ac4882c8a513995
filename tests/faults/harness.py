"""What the fault cases have to know of a broker: one `FaultHarness` per way of consuming."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

Handler = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class Deletion:
    """Something that is deleted (or taken away) at the server under a running consumer.

    Args:
        act: does it, with the bare client; gets the server's URL and the address.
        with_messages: whether the messages that nobody has handled yet go with it.
        no_promise: why messages published afterwards may be lost all the same; empty: they are not.
        noticed_within: seconds for which readiness may still say True although nothing comes.
    """

    act: Callable[[str, str], Awaitable[None]]
    with_messages: bool = False
    no_promise: str = ""
    noticed_within: float = 4.0


# flavour -> (kind of server, pytest mark, module); the modules import their client libraries
FLAVOURS: dict[str, tuple[str, str, str]] = {
    "nats-core": ("nats", "nats", "harness_nats:Core"),
    "nats-push": ("nats", "nats", "harness_nats:Push"),
    "nats-pull": ("nats", "nats", "harness_nats:Pull"),
    "redis-channel": ("redis", "redis", "harness_redis:Channel"),
    "redis-list": ("redis", "redis", "harness_redis:List"),
    "redis-stream": ("redis", "redis", "harness_redis:Stream"),
    "rabbit": ("rabbit", "rabbit", "harness_rabbit:Queue"),
    "kafka": ("kafka", "kafka", "harness_kafka:Aiokafka"),
    "confluent": ("kafka", "confluent", "harness_kafka:Confluent"),
}


class FaultHarness(ABC):
    """One way of consuming from one kind of server.

    `kept`: the server keeps a message until a consumer has acknowledged it, so whatever happens
    each message whose publish was confirmed is handled at least once. Where it is False,
    `why_not_kept` says what the protocol does instead.
    `in_hand`: how many messages a consumer that is killed may take with it.
    `most_attempts`: connections that may be tried in a second of an outage, readiness included.
    `deletions`: what can be deleted under a running consumer, by name.
    """

    name: ClassVar[str]
    kept: ClassVar[bool] = True
    why_not_kept: ClassVar[str] = ""
    in_hand: ClassVar[int] = 0
    most_attempts: ClassVar[int] = 15
    deletions: ClassVar[Mapping[str, Deletion]] = {}

    def keeps(self, scenario: str) -> bool:
        """Whether every confirmed message is handled in this scenario."""
        deletion = self.deletions.get(scenario.removesuffix(" deleted"))
        return self.kept and not (deletion and deletion.no_promise)

    @abstractmethod
    def broker(self, url: str, logger: Any, *, watchful: bool = False, **options: Any) -> Any:
        """A broker with default options.

        Args:
            url: the server.
            logger: takes its log lines.
            watchful: with the options that make it notice a silent network within seconds.
            **options: of every broker.
        """

    @abstractmethod
    def subscribe(self, broker: Any, address: str, handler: Handler) -> None:
        """Declares a consumer of all messages of an address that a group has not handled yet."""

    @abstractmethod
    async def publish(self, broker: Any, address: str, number: int) -> None:
        """Publishes one number; returns when the server has confirmed it, where it can."""

    async def prepare(self, broker: Any, address: str) -> None:  # noqa: B027 - optional
        """Makes what has to be there before a consumer starts."""


def harness(flavour: str) -> FaultHarness:
    """The harness with this name."""
    module, name = FLAVOURS[flavour][2].split(":")
    made = getattr(import_module(f"tests.faults.{module}"), name)()
    return made  # type: ignore[no-any-return]
