"""Exchanges, as a program declares them."""

from __future__ import annotations

import warnings
from copy import copy
from enum import Enum
from typing import Any

from typing_extensions import Self

from anystream.core.exceptions import SetupError
from anystream.rabbit.frozen import frozen
from anystream.rabbit.names import check_key, check_name


class ExchangeType(str, Enum):
    """How an exchange chooses the queues for a message; the last three need server plugins."""

    FANOUT = "fanout"
    DIRECT = "direct"
    TOPIC = "topic"
    HEADERS = "headers"
    X_DELAYED_MESSAGE = "x-delayed-message"
    X_CONSISTENT_HASH = "x-consistent-hash"
    X_MODULUS_HASH = "x-modulus-hash"


class RabbitExchange:
    """An exchange.

    Args:
        name: its name; empty for the default exchange, which routes by queue names and is
            neither declared nor bound.
        type: how it chooses queues.
        durable: it survives a restart of the server.
        auto_delete: it goes with its last binding.
        declare: declare it; False only checks that it is there.
        arguments: the server's `x-*` arguments (`alternate-exchange`, `x-delayed-type`, …).
        timeout: seconds for its declaration; no limit of its own when not given.
        robust: declare it again after a reconnect.
        bind_to: an exchange that this one gets its messages from.
        bind_arguments: arguments of that binding.
        routing_key: key of that binding; the name when not given.

    Raises:
        SetupError: the name cannot be one, or the type does not exist.
    """

    def __init__(
        self,
        name: str = "",
        type: ExchangeType = ExchangeType.DIRECT,
        durable: bool = True,
        auto_delete: bool = False,
        declare: bool = True,
        arguments: dict[str, Any] | None = None,
        timeout: float | None = None,
        robust: bool = True,
        bind_to: RabbitExchange | str | None = None,
        bind_arguments: dict[str, Any] | None = None,
        routing_key: str = "",
    ) -> None:
        check_name(name, "RabbitExchange")
        check_key(routing_key, f"RabbitExchange({name!r})")
        try:
            self.type = ExchangeType(type)
        except ValueError:
            known = ", ".join(kind.value for kind in ExchangeType)
            raise SetupError(
                f"RabbitExchange({name!r}): there is no type {type!r}; take one of {known}"
            ) from None
        if routing_key and bind_to is None:
            warnings.warn(
                f"RabbitExchange({name!r}): routing_key has no effect without bind_to",
                RuntimeWarning,
                stacklevel=2,
            )
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.declare = declare
        self.arguments = arguments
        self.timeout = timeout
        self.robust = robust
        self.bind_to = None if bind_to is None else RabbitExchange.of(bind_to)
        self.bind_arguments = bind_arguments
        self.binding_key = routing_key

    @classmethod
    def of(cls, exchange: RabbitExchange | str | None) -> RabbitExchange:
        """An exchange from what a declaration names; None is the default exchange."""
        if isinstance(exchange, RabbitExchange):
            return exchange
        if exchange is None or isinstance(exchange, str):
            return cls(exchange or "")
        raise SetupError(f"exchange={exchange!r} is neither a str nor a RabbitExchange")

    @property
    def is_default(self) -> bool:
        """Whether it is the one without a name."""
        return not self.name

    def routing(self) -> str:
        """The key of its binding to `bind_to`."""
        return self.binding_key or self.name

    def passive(self) -> Self:
        """The same exchange, to be checked and not declared."""
        made = copy(self)
        made.declare = False
        return made

    def _key(self) -> tuple[Any, ...]:
        return (self.name, self.type, self.durable, self.auto_delete, frozen(self.arguments))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RabbitExchange) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"RabbitExchange({self.name!r}, {self.type.value})"
