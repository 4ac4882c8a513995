"""What is told to the server about a message, by outcome and policy.

| policy            | success | exception | AckMessage, NackMessage, RejectMessage | SkipMessage |
|-------------------|---------|-----------|----------------------------------------|-------------|
| `ACK_FIRST`       | (acked) | (acked)   | (acked)                                | (acked)     |
| `ACK`             | ack     | ack       | what it says                           | nothing     |
| `REJECT_ON_ERROR` | ack     | reject    | what it says                           | nothing     |
| `NACK_ON_ERROR`   | ack     | nack      | what it says                           | nothing     |
| `MANUAL`          | nothing | nothing   | nothing                                | nothing     |

A cancelled handler never acknowledges. What the handler settled itself stays as it is.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

from anystream.core.ack import AckPolicy, AckStatus
from anystream.core.exceptions import (
    AckMessage,
    HandlerException,
    IgnoredException,
    NackMessage,
    RejectMessage,
    SkipMessage,
)
from anystream.core.respond import answer_failure

if TYPE_CHECKING:
    from anystream.core.plan import Plan

_ON_ERROR = {
    AckPolicy.ACK: "ack",
    AckPolicy.REJECT_ON_ERROR: "reject",
    AckPolicy.NACK_ON_ERROR: "nack",
}


class Settlement:
    """Acknowledges by policy and reports errors.

    Args:
        plan: the subscriber's plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.policy = plan.policy
        self.ack_first = plan.policy is AckPolicy.ACK_FIRST
        self.on_success = plan.policy in _ON_ERROR
        self.by_mark = plan.subscriber.broker.transport.acks_by_mark(plan.subscriber)
        self.gives_back = plan.policy is AckPolicy.NACK_ON_ERROR
        # without acknowledgement there is nobody who takes these exceptions, unless the broker
        # lets them end here all the same
        self.takes_exceptions = plan.policy is not AckPolicy.MANUAL or (
            plan.subscriber.takes_exceptions and plan.declared_policy in _ON_ERROR
        )

    async def ack(self, message: Any) -> None:
        """Acknowledges after success."""
        if self.by_mark and message.committed is None:
            message.committed = AckStatus.ACKED
        await self._tell(message, "ack", {})

    async def on_error(self, message: Any, error: BaseException) -> bool:
        """Logs and settles after an exception; True when the exception ends here."""
        if isinstance(error, (CancelledError, GeneratorExit)):
            return False
        self.report(message, error)
        return await self.settle_error(message, error)

    async def settle_error(self, message: Any, error: BaseException) -> bool:
        """Settles after an exception; True when the exception ends here."""
        if isinstance(error, (CancelledError, GeneratorExit)):
            return False
        if self.plan.may_reply and message is not None and message.reply_to:
            await self._answer(message, error)
        if isinstance(error, HandlerException) and self.takes_exceptions:
            verb, options = _wish(error)
            if verb and not self.ack_first and message is not None:
                await self._tell(message, verb, options)
            return True
        if self.policy in _ON_ERROR and message is not None and isinstance(error, Exception):
            await self._tell(message, _ON_ERROR[self.policy], {})
        return False

    async def _answer(self, message: Any, error: BaseException) -> None:
        """Who asked learns of the failure, unless the message comes again or goes elsewhere."""
        wish = isinstance(error, HandlerException)
        again = isinstance(error, (NackMessage, SkipMessage)) if wish else self.gives_back
        broker = self.plan.subscriber.broker
        if isinstance(error, Exception) and not again and not broker.testing:
            await answer_failure(broker, message, error)

    def report(self, message: Any, error: BaseException) -> None:
        """Writes the error line: with a traceback, unless it was raised on purpose."""
        logger = self.plan.logger
        if logger is None:
            return
        extra = self.plan.subscriber.log_context(message) if message is not None else {}
        if isinstance(error, IgnoredException):
            logger.log(self.plan.log_level, str(error), extra=extra)
        else:
            text = f"{type(error).__name__}: {error}"
            logger.log(logging.ERROR, text, exc_info=error, extra=extra)
        if message is not None:
            self.plan.log("Processed", message)

    async def _tell(self, message: Any, verb: str, options: dict[str, Any]) -> None:
        if message.committed is not None:
            return
        try:
            await getattr(message, verb)(**options)
        except Exception as error:
            self._untold(verb, error)

    def _untold(self, verb: str, error: Exception) -> None:
        logger = self.plan.logger
        if logger is not None:
            text = f"{self.plan.subscriber!r}: {verb} failed, the message may come again"
            logger.log(logging.CRITICAL, f"{text}: {error!r}", exc_info=error)

    def describe(self) -> list[str]:
        """What is done, in words."""
        if self.ack_first or self.policy is AckPolicy.MANUAL:
            return []
        return [f"ack; on error {_ON_ERROR[self.policy]}"]


def _wish(error: HandlerException) -> tuple[str, dict[str, Any]]:
    for kind, verb in ((AckMessage, "ack"), (NackMessage, "nack"), (RejectMessage, "reject")):
        if isinstance(error, kind):
            return verb, error.extra_options
    return "", {}
