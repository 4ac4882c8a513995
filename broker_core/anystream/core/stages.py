"""The full form of a pipeline: middlewares, filters, several handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from anystream.core.codec import JSON
from anystream.core.context import current_frame
from anystream.core.exceptions import SubscriberNotFound
from anystream.core.handler import around, settle
from anystream.core.message import StreamMessage
from anystream.core.middlewares import hooks_of
from anystream.core.outbox import new_middlewares

if TYPE_CHECKING:
    from anystream.core.plan import HandlerPlan, Plan
    from anystream.core.settlement import Settlement

Process = Callable[[Any], Awaitable[Any]]
Call = Callable[[Any], Awaitable[Any]]
Select = Callable[[Any, list[Any]], Awaitable["HandlerPlan"]]

decode_message = StreamMessage.decode
set_frame, get_frame, reset_frame = current_frame.set, current_frame.get, current_frame.reset


def make_full(plan: Plan, settlement: Settlement) -> Process:
    """Makes `process(raw)` with everything that can stand around a handler."""
    context, subscriber, parse = plan.context, plan.subscriber, plan.parse
    innermost = {handler: _make_innermost(handler) for handler in plan.handlers}
    select, first = _make_select(plan), plan.handlers[0]
    log_on, level, may_reply = plan.log_on, plan.log_level, plan.may_reply
    factories = plan.merged.middlewares

    async def process(raw: Any) -> Any:
        message = result = error = None
        met: list[Any] = []
        entered: list[Any] = []
        token = set_frame(get_frame())
        try:
            try:
                for middleware in new_middlewares(factories, raw, context):
                    if hooks_of(middleware)[0]:
                        await middleware.__aenter__()
                    entered.append(middleware)
                handler = await select(raw, met) if select else first
                message = met[0] if met else parse(raw)
                message._decoder = handler.decode
                set_frame((context, message, subscriber, get_frame()))
                if settlement.ack_first:
                    await settlement.ack(message)
                if log_on(level):
                    plan.log("Received", message)
                result = await consume_chain(entered, innermost[handler])(message)
                if handler.publishers or handler.afterwards or (may_reply and message.reply_to):
                    result = await handler.respond(plan)(result, message, entered)
            except BaseException as raised:
                error = raised
            if entered:
                error = await leave(entered, error)
            if error is None and message is not None:
                if settlement.on_success and message.committed is None:
                    await settlement.ack(message)
                if log_on(level):
                    plan.log("Processed", message)
                return result
            return await _troubled(plan, settlement, raw, message, met, error)
        finally:
            error = None  # its traceback knows this frame: a circle that holds the message
            reset_frame(token)

    return process


async def _troubled(
    plan: Plan,
    settlement: Settlement,
    raw: Any,
    message: Any,
    met: Sequence[Any],
    error: BaseException | None,
) -> None:
    """Settles what raised something, or was never given to a handler.

    Args:
        plan, settlement: those of the subscriber.
        raw: the native message.
        message: what the handler got, if it came to that.
        met: what a parser had made of it before that.
        error: what is left over after the middlewares.
    """
    selected = message is not None
    if message is None:
        message = met[0] if met else _fallback(plan, raw)
    if error is None:
        if settlement.on_success and message is not None:
            await settlement.ack(message)
        if message is not None and plan.log_on(plan.log_level):
            plan.log("Processed", message)
        return
    if settlement.ack_first and not selected and message is not None:
        await settlement.ack(message)
    if await settlement.on_error(message, error):
        return
    try:
        raise error
    finally:
        del error


def _fallback(plan: Plan, raw: Any) -> Any:
    """When the user's parser failed, the default one still finds what to acknowledge."""
    try:
        return plan.parse(raw)
    except Exception:
        return None


def _make_innermost(handler: HandlerPlan) -> Call:
    """What middlewares stand around: body and handler."""
    decode, read, run = handler.decode, handler.run_json, handler.run

    async def innermost(msg: Any) -> Any:
        # a middleware may hand on something of its own
        if (
            read is not None
            and getattr(type(msg), "decode", None) is decode_message
            and msg._decoder is decode
            and msg._decoded is None
            and msg._content_type == JSON
        ):
            return await read(msg.body, msg)  # nobody has looked at the body
        return await run(await msg.decode(), msg)

    return innermost


def _make_select(plan: Plan) -> Select | None:
    """Makes `select(raw, met)`, which finds the handler of a message and puts the message, or
    what it was parsed to at first, into `met`. None where there is nothing to choose."""
    handlers = [(handler, _parser(plan, handler)) for handler in plan.handlers]
    first, parse_first = handlers[0]
    if len(handlers) == 1 and first.filter is None and parse_first is None:
        return None

    async def select(raw: Any, met: list[Any]) -> HandlerPlan:
        parsed: dict[Any, Any] = {}
        for handler, parse in handlers:
            key = handler.parser
            if key not in parsed:
                parsed[key] = plan.parse(raw) if parse is None else await parse(raw)
            message = parsed[key]
            if not met:
                met.append(message)
            message.set_decoder(handler.decode)
            if handler.filter is None or await settle(handler.filter(message)):
                met[0] = message
                return handler
        raise SubscriberNotFound(
            f"There is no suitable handler for msg={met[0]!r} in {plan.subscriber!r}"
        )

    return select


def _parser(plan: Plan, handler: HandlerPlan) -> Call | None:
    if handler.parser is None:
        return None

    async def original(raw: Any) -> Any:
        return plan.parse(raw)

    return around(handler.parser, original)


def consume_chain(middlewares: Sequence[Any], innermost: Call) -> Call:
    """`innermost` with the consume hooks of middleware objects around it."""
    call_next = innermost
    for middleware in reversed(middlewares):
        if hooks_of(middleware)[1]:
            call_next = partial(middleware.consume_scope, call_next)
    return call_next


async def leave(entered: Sequence[Any], error: BaseException | None) -> BaseException | None:
    """Leaves middlewares, innermost first; returns the exception that is left over."""
    for middleware in reversed(entered):
        end = hooks_of(middleware)[3]
        if not end:
            continue
        try:
            trace = error.__traceback__ if error is not None else None
            kind = type(error) if error is not None else None
            if await getattr(middleware, end)(kind, error, trace):
                error = None
        except BaseException as raised:
            error = raised
    return error
