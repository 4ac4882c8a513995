"""Freezing a subscriber: all decisions are taken here, once; a message runs straight through.

Two forms are made. The plain one is a single flat coroutine function for the usual case: one
handler, no filter, no middleware that wants to see messages. The full one adds middlewares,
filters and several handlers. Both end in the same settlement.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from anystream.core.ack import AckStatus
from anystream.core.codec import JSON, decode_body
from anystream.core.context import current_frame
from anystream.core.plan import HandlerPlan, Plan
from anystream.core.settlement import Settlement
from anystream.core.stages import make_full

if TYPE_CHECKING:
    from anystream.core.subscriber import Subscriber

Process = Callable[[Any], Awaitable[Any]]

# names of the module, not of each pipeline: a service may have a thousand of those
set_frame, get_frame, reset_frame = current_frame.set, current_frame.get, current_frame.reset
ACKED = AckStatus.ACKED


class Pipeline:
    """The frozen coroutine function of a subscriber, and its description.

    `process(raw)` handles one native message: it returns when the message is settled, and
    raises what the handler raised unless the acknowledgement policy took care of it.
    """

    def __init__(self, subscriber: Subscriber) -> None:
        self.plan = Plan(subscriber)
        self.settlement = Settlement(self.plan)
        if self.plan.is_plain:
            self.process: Process = make_plain(self.plan, self.settlement)
        else:
            self.process = make_full(self.plan, self.settlement)

    def explain(self) -> str:
        """The steps of a message, in order, as text."""
        return "\n".join(self.plan.describe(self.settlement))


def make_plain(plan: Plan, settlement: Settlement) -> Process:
    """One handler, nothing around it: the flat form."""
    handler: HandlerPlan = plan.handlers[0]
    parse, call, call_json = plan.parse, handler.run, handler.run_json
    decode, custom_decode = handler.decode, handler.custom_decoder
    may_reply = plan.may_reply
    always_answers = bool(handler.publishers or handler.afterwards)
    repo, subscriber = plan.context, plan.subscriber
    log_on, log, level = plan.log_on, plan.log, plan.log_level
    by_mark = settlement.by_mark
    ack_first, ack, failed = settlement.ack_first, settlement.on_success, settlement.on_error

    async def process(raw: Any) -> Any:
        message = parse(raw)
        message._decoder = decode
        token = set_frame((repo, message, subscriber, get_frame()))
        try:
            if ack_first:
                await settlement.ack(message)
            if logs := log_on(level):
                log("Received", message)
            if call_json is not None and message._content_type == JSON:
                result = await call_json(message.body, message)
            elif custom_decode:
                result = await call(await message.decode(), message)
            else:
                body = message._plain = decode_body(message.body, message.content_type)
                result = await call(body, message)
            if always_answers or (may_reply and message._reply_to):
                result = await handler.respond(plan)(result, message, ())
            if ack and message.committed is None:
                if by_mark:
                    message.committed = ACKED
                else:
                    await settlement.ack(message)
            if logs:
                log("Processed", message)
            return result
        except BaseException as error:
            if not await failed(message, error):
                raise
            return None
        finally:
            reset_frame(token)

    return process
