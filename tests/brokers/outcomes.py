"""Every acknowledgement policy with every outcome of a handler, played once for each rig."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

from anystream.core import AckPolicy, Context
from anystream.core.exceptions import AckMessage, NackMessage, RejectMessage, SkipMessage
from tests.brokers.rig import Rig
from tests.waiting import Seen

Message = Annotated[Any, Context("message")]
VERBS = ("ack", "nack", "reject", "nothing")
POLICIES = {
    AckPolicy.ACK_FIRST: {"success": "ack", "exception": "ack"},
    AckPolicy.ACK: {"success": "ack", "exception": "ack"},
    AckPolicy.REJECT_ON_ERROR: {"success": "ack", "exception": "reject"},
    AckPolicy.NACK_ON_ERROR: {"success": "ack", "exception": "nack"},
    AckPolicy.MANUAL: {"success": "nothing", "exception": "nothing"},
}
STATUS = {"ack": "ACKED", "nack": "NACKED", "reject": "REJECTED", "nothing": None}


async def _raise(error: BaseException) -> None:
    raise error


async def _hang(_: Any) -> None:
    await asyncio.Event().wait()


OUTCOMES: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "success": lambda message: asyncio.sleep(0),
    "exception": lambda message: _raise(ValueError("failed on purpose")),
    "AckMessage": lambda message: _raise(AckMessage()),
    "NackMessage": lambda message: _raise(NackMessage()),
    "RejectMessage": lambda message: _raise(RejectMessage()),
    "SkipMessage": lambda message: _raise(SkipMessage()),
    "message.ack()": lambda message: message.ack(),
    "message.nack()": lambda message: message.nack(),
    "message.reject()": lambda message: message.reject(),
    "cancelled": _hang,
}
_SAID = {
    "AckMessage": "ack",
    "NackMessage": "nack",
    "RejectMessage": "reject",
    "message.ack()": "ack",
    "message.nack()": "nack",
    "message.reject()": "reject",
}


def told(policy: AckPolicy, outcome: str) -> str:
    """What the server is told: ack, nack, reject or nothing."""
    by_policy = POLICIES[policy]
    if policy is AckPolicy.ACK_FIRST:
        return "ack"
    if outcome in by_policy:
        return by_policy[outcome]
    if policy is AckPolicy.MANUAL and not outcome.startswith("message."):
        return "nothing"
    return _SAID.get(outcome, "nothing")


@dataclass
class Observed:
    """What became of one message.

    Args:
        deliveries: how often the handler was called with it.
        status: what the message says was told, after its first delivery.
        left: how many messages the server still has for the group, after the stop.
        raised: what came out of the publish (test mode).
    """

    address: str
    group: str
    deliveries: int = 0
    status: str | None = None
    left: int | None = None
    raised: BaseException | None = None
    messages: list[Any] = field(default_factory=list)


Table = dict[tuple[AckPolicy, str], Observed]


async def all_outcomes(rig: Rig) -> Table:
    """Plays policies × outcomes on one broker, each on an address of its own."""
    broker, seen = rig.broker(graceful_timeout=0.3), rig.seen()
    table: Table = {}
    for policy in POLICIES:
        for outcome, action in OUTCOMES.items():
            if outcome == "cancelled" and not rig.on_server:
                continue  # a publish would wait for ever
            case = table[policy, outcome] = Observed(rig.address(), rig.group())
            _declare(rig, broker, policy, action, case, seen)
    expected = sum(2 if _comes_again(rig, *key) else 1 for key in table)
    async with rig.running(broker):
        for case in table.values():
            try:
                await rig.publish(broker, "x", case.address)
            except Exception as error:
                case.raised = error
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(seen.enough(expected), rig.patience)
        await rig.nothing_more()
    for case in table.values():
        found = case.messages[0].committed if case.messages else None
        case.status = found.value if found is not None else None
        case.deliveries = len(case.messages)
    if rig.on_server:
        lefts = [rig.harness.left(case.address, rig.kind, case.group) for case in table.values()]
        for case, left in zip(table.values(), await asyncio.gather(*lefts), strict=True):
            case.left = left
    return table


def _comes_again(rig: Rig, policy: AckPolicy, outcome: str) -> bool:
    return rig.on_server and rig.fate(told(policy, outcome)).value == "again"


def _declare(
    rig: Rig,
    broker: Any,
    policy: AckPolicy,
    action: Callable[[Any], Awaitable[Any]],
    case: Observed,
    seen: Seen,
) -> None:
    @rig.subscribe(broker, case.address, group=case.group, ack_policy=policy)
    async def handle(message: Message) -> None:
        case.messages.append(message)
        seen(case.address)
        if len(case.messages) == 1:
            await action(message)
        else:
            await message.ack()
