"""The brokers behind a health endpoint, ours or anybody's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from anystream.core.exceptions import SetupError


class Watched:
    """One broker, as a health endpoint sees it. Of a foreign one only `ping` is known.

    Args:
        name: how it is called in the details.
        broker: anything with `async ping(timeout)`.
        critical: whether it decides the status.
    """

    def __init__(self, name: str, broker: Any, critical: bool) -> None:
        self.name = name
        self.broker = broker
        self.critical = critical

    @property
    def connected(self) -> bool | None:
        """Whether it is connected; None where that is not known."""
        known: bool | None = getattr(self.broker, "connected", None)
        if known and hasattr(self.broker, "known_health"):
            return self.broker.transport.known_health() is not False
        return known

    @property
    def given_up(self) -> bool:
        """Whether its client does not try to reach the server any more."""
        transport = getattr(self.broker, "transport", None)
        return bool(getattr(transport, "given_up", False))

    async def has_started(self) -> bool:
        """Whether it is started now, or connected where it only publishes."""
        broker = self.broker
        if not hasattr(broker, "starting"):
            return await self.answers(1.0)
        return bool(broker.running or (broker.connected and not broker.starting))

    async def answers(self, timeout: float | None) -> bool:
        """Whether a ping is answered in time."""
        try:
            return bool(await asyncio.wait_for(self.broker.ping(timeout), timeout))
        except Exception:
            return False

    def subscribers(self) -> list[dict[str, Any]]:
        """What is known of each subscriber."""
        found = getattr(self.broker, "subscribers", ())
        return [
            {
                "name": subscriber.call_name,
                "address": subscriber.full_address,
                "alive": subscriber.alive,
                "last_message_age": _rounded(subscriber.last_message_age),
                "restarts": subscriber.restarts,
            }
            for subscriber in found
            if hasattr(subscriber, "last_message_age")
        ]


def _rounded(age: float | None) -> float | None:
    return None if age is None else round(age, 3)


def watched_brokers(target: Any, non_critical: Sequence[Any]) -> list[Watched]:
    """The brokers of a target, with names.

    Args:
        target: a broker, a list of brokers, a mapping of names to brokers, or an application.
        non_critical: brokers, or names.

    Raises:
        SetupError: there is none, or `non_critical` names one that is not there.
    """
    if isinstance(target, Mapping):
        named = list(target.items())
    else:
        brokers = getattr(target, "brokers", None)
        if brokers is None:
            brokers = target if isinstance(target, (list, tuple)) else [target]
        elif not brokers:
            return []  # an application may get its brokers later
        named = list(zip(_names(brokers), brokers, strict=True))
    if not named or not all(callable(getattr(broker, "ping", None)) for _, broker in named):
        raise SetupError(
            f"a health endpoint cannot watch {target!r}: pass a broker, a list of brokers, a "
            "mapping of names to brokers or an application; a broker is anything with "
            "`async ping(timeout)`"
        )
    known = [*(name for name, _ in named), *(broker for _, broker in named)]
    unknown = [item for item in non_critical if item not in known]
    if unknown:
        raise SetupError(
            f"non_critical={unknown!r}: no such broker is watched, these are: "
            f"{', '.join(name for name, _ in named)}"
        )
    return [
        Watched(name, broker, name not in non_critical and broker not in non_critical)
        for name, broker in named
    ]


def _names(brokers: Sequence[Any]) -> list[str]:
    names: list[str] = []
    for broker in brokers:
        kind = type(broker).__name__
        count = sum(1 for name in names if name.partition(" ")[0] == kind)
        names.append(f"{kind} {count + 1}" if count else kind)
    return names
