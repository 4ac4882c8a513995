"""Queues, as a program declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from enum import Enum
from typing import Any

from typing_extensions import Self

from anystream.core.address import Template
from anystream.core.exceptions import SetupError
from anystream.core.sentinel import EMPTY
from anystream.rabbit.frozen import frozen
from anystream.rabbit.names import check_key, check_name
from anystream.rabbit.queue_arguments import QueueArguments
from anystream.rabbit.routing import amqp_template


class QueueType(str, Enum):
    """What kind of queue the server makes."""

    CLASSIC = "classic"
    QUORUM = "quorum"
    STREAM = "stream"


class RabbitQueue:
    """A queue.

    Args:
        name: its name.
        queue_type: classic, quorum (replicated) or stream (an append-only log).
        durable: it survives a restart of the server; True when not given.
        exclusive: only for this connection; it goes with it.
        declare: declare and bind it; False only checks that it is there.
        auto_delete: it goes with its last consumer.
        arguments: the server's `x-*` arguments, see `QueueArguments`.
        timeout: seconds for its declaration; no limit of its own when not given.
        robust: declare it again after a reconnect, or when it was deleted.
        bind_arguments: arguments of the binding to its exchange (headers exchanges: what must be
            in the headers).
        routing_key: key of the binding to its exchange, the name when not given; may hold
            `{name}` parts.

    Raises:
        SetupError: the name cannot be one, or a quorum or stream queue that is not durable.
    """

    def __init__(
        self,
        name: str,
        queue_type: QueueType = QueueType.CLASSIC,
        durable: bool = EMPTY,
        exclusive: bool = False,
        declare: bool = True,
        auto_delete: bool = False,
        arguments: QueueArguments | Mapping[str, Any] | None = None,
        timeout: float | None = None,
        robust: bool = True,
        bind_arguments: dict[str, Any] | None = None,
        routing_key: str = "",
    ) -> None:
        check_name(name, "RabbitQueue")
        check_key(routing_key, f"RabbitQueue({name!r})")
        try:
            self.queue_type = QueueType(queue_type)
        except ValueError:
            known = ", ".join(kind.value for kind in QueueType)
            raise SetupError(
                f"RabbitQueue({name!r}): there is no queue type {queue_type!r}; take one of {known}"
            ) from None
        if durable is not EMPTY and not durable and self.queue_type is not QueueType.CLASSIC:
            raise SetupError(
                f"RabbitQueue({name!r}): {self.queue_type.value} queues are always durable: "
                "leave durable out"
            )
        self.name = name
        self.durable = True if durable is EMPTY else durable
        self.exclusive = exclusive
        self.declare = declare
        self.auto_delete = auto_delete
        self.arguments: dict[str, Any] = {
            "x-queue-type": self.queue_type.value,
            **(arguments or {}),
        }
        self.timeout = timeout
        self.robust = robust
        self.bind_arguments = bind_arguments
        self.routing_key = routing_key
        amqp_template(routing_key)  # says now what is wrong with it

    @classmethod
    def of(cls, queue: RabbitQueue | str) -> RabbitQueue:
        """A queue from what a declaration names."""
        if isinstance(queue, RabbitQueue):
            return queue
        if isinstance(queue, str):
            return cls(queue)
        raise SetupError(f"queue={queue!r} is neither a str nor a RabbitQueue")

    @property
    def is_stream(self) -> bool:
        """Whether the server keeps it as a stream."""
        return bool(self.arguments["x-queue-type"] == QueueType.STREAM.value)

    @property
    def template(self) -> Template:
        """The routing key with its `{name}` parts."""
        return amqp_template(self.routing_key)

    @property
    def path_regex(self) -> Any:
        """What captures the `{name}` parts; None if there are none."""
        return self.template._pattern

    def routing(self) -> str:
        """The key that messages for it have, with wildcards in place of `{name}`."""
        return self.template.wire or self.name

    def routing_template(self) -> str:
        """The same with its braces."""
        return self.routing_key or self.name

    def add_prefix(self, prefix: str) -> Self:
        """A copy with a prefix before its name and its routing key."""
        if not prefix:
            return self
        made = copy(self)
        made.name = re.sub(r"\{(\w+)\}", r"\1", prefix) + self.name  # names have no wildcards
        if self.routing_key:
            made.routing_key = prefix + self.routing_key
        return made

    def _key(self) -> tuple[Any, ...]:
        return (
            self.name,
            self.durable,
            self.exclusive,
            self.auto_delete,
            frozen(self.arguments),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RabbitQueue) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"RabbitQueue({self.name!r}, {self.queue_type.value})"


RABBIT_REPLY = RabbitQueue("amq.rabbitmq.reply-to", declare=False)
"""The server's pseudo queue for direct replies."""
