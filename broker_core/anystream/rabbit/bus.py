"""Delivery inside the process by AMQP's rules: exchanges, bindings, queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from zlib import crc32

from anystream.rabbit.exchange import ExchangeType, RabbitExchange
from anystream.rabbit.routing import headers_match, topic_matches

_CACHED = 4096
_HASHED = (ExchangeType.X_CONSISTENT_HASH, ExchangeType.X_MODULUS_HASH)


@dataclass(frozen=True)
class Hop:
    """One binding: from an exchange to the next one, or to the queue.

    Args:
        exchange: its name.
        type: how it chooses.
        key: the binding's key.
        arguments: the binding's arguments.
    """

    exchange: str
    type: ExchangeType
    key: str
    arguments: Mapping[str, Any] | None

    def takes(self, key: str, headers: Mapping[str, Any]) -> bool:
        """Whether a message goes through."""
        if self.type is ExchangeType.DIRECT:
            return key == self.key
        if self.type is ExchangeType.TOPIC:
            return topic_matches(self.key, key)
        if self.type is ExchangeType.HEADERS:
            return headers_match(self.arguments, headers)
        return True  # fanout, and hashes, which choose among all


def path_to(exchange: RabbitExchange, key: str, arguments: Mapping[str, Any] | None) -> list[Hop]:
    """The bindings from the outermost exchange to a queue that is bound to this one."""
    outer: list[Hop] = []
    if exchange.bind_to is not None:
        outer = path_to(exchange.bind_to, exchange.routing(), exchange.bind_arguments)
    if exchange.is_default:
        return outer
    return [*outer, Hop(exchange.name, _acting_type(exchange), key, arguments)]


def _acting_type(exchange: RabbitExchange) -> ExchangeType:
    if exchange.type is ExchangeType.X_DELAYED_MESSAGE:  # in a test nothing waits
        return ExchangeType((exchange.arguments or {}).get("x-delayed-type", "direct"))
    return exchange.type


class AmqpBus:
    """Queues and what they are bound to; of those who read one queue, one gets each message."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[Any]] = {}
        self._bound: dict[str, list[tuple[Any, Sequence[Hop]]]] = {}
        self._found: dict[tuple[str, str], Sequence[Any]] = {}
        self._turn = count()

    def join(self, member: Any) -> None:
        """Starts delivery to a member."""
        for name in member.patterns:
            self._by_name.setdefault(name, []).append(member)
        hops = getattr(member, "hops", ())
        for position, hop in enumerate(hops):
            self._bound.setdefault(hop.exchange, []).append((member, hops[position:]))
        self._found.clear()

    def leave(self, member: Any) -> None:
        """Ends delivery to a member."""
        for members in self._by_name.values():
            if member in members:
                members.remove(member)
        for exchange, bound in self._bound.items():
            self._bound[exchange] = [item for item in bound if item[0] is not member]
        self._found.clear()

    def route(self, exchange: str, key: str, headers: Mapping[str, Any]) -> Sequence[Any]:
        """The members that get the next message of an exchange with a routing key."""
        if not exchange:
            found: Sequence[Any] = self._by_name.get(key, ())
        else:
            known = self._found.get((exchange, key))
            found = self._look_up(exchange, key, headers) if known is None else known
        return found if len(found) < 2 else self._one_of_each_queue(found)

    def _look_up(self, exchange: str, key: str, headers: Mapping[str, Any]) -> Sequence[Any]:
        bound = self._bound.get(exchange, [])
        found: dict[int, Any] = {}
        for member, hops in bound:
            if all(hop.takes(key, headers) for hop in hops):
                found.setdefault(id(member), member)
        members = tuple(found.values())
        if any(hops[0].type in _HASHED for _, hops in bound):
            members = _by_hash(members, key)
        by_headers = any(hop.type is ExchangeType.HEADERS for _, hops in bound for hop in hops)
        if not by_headers:
            if len(self._found) >= _CACHED:
                self._found.clear()
            self._found[exchange, key] = members
        return members

    def _one_of_each_queue(self, found: Sequence[Any]) -> Sequence[Any]:
        queues: dict[Any, list[Any]] = {}
        for member in found:
            queues.setdefault(member.queue or id(member), []).append(member)
        turn = next(self._turn)
        return [members[turn % len(members)] for members in queues.values()]


def _by_hash(members: Sequence[Any], key: str) -> tuple[Any, ...]:
    """A hash exchange gives all messages of a key to one of its queues."""
    queues = sorted({member.queue for member in members})
    if not queues:
        return ()
    chosen = queues[crc32(key.encode()) % len(queues)]
    return tuple(member for member in members if member.queue == chosen)
