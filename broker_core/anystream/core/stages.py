"""The full form of a pipeline: middlewares, filters, several handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from anystream.core.codec import JSON
from anystream.core.context import current_frame
from anystream.core.exceptions import SubscriberNotFound
from anystream.core.handler import around, settle
from anystream.core.middlewares import hooks_of
from anystream.core.outbox import new_middlewares

if TYPE_CHECKING:
    from anystream.core.plan import HandlerPlan, Plan
    from anystream.core.settlement import Settlement

Process = Callable[[Any], Awaitable[Any]]
Stage = tuple["HandlerPlan", "Callable[[Any], Awaitable[Any]] | None"]


def make_full(plan: Plan, settlement: Settlement) -> Process:
    """Makes `process(raw)` with everything that can stand around a handler."""
    stages: list[Stage] = [(handler, _parser(plan, handler)) for handler in plan.handlers]

    async def process(raw: Any) -> Any:
        run = _Run(plan, settlement, stages, raw)
        error: BaseException | None = None
        result: Any = None
        entered: list[Any] = []
        token = current_frame.set(current_frame.get())
        try:
            try:
                for middleware in new_middlewares(plan.merged.middlewares, raw, plan.context):
                    if hooks_of(middleware)[0]:
                        await middleware.__aenter__()
                    entered.append(middleware)
                result = await run.handle(entered)
            except BaseException as raised:
                error = raised
            if entered:
                error = await leave(entered, error)
            return await run.finish(result, error)
        finally:
            current_frame.reset(token)

    return process


class _Run:
    """One message on its way."""

    __slots__ = ("message", "plan", "raw", "selected", "settlement", "stages")

    def __init__(
        self, plan: Plan, settlement: Settlement, stages: Sequence[Stage], raw: Any
    ) -> None:
        self.plan = plan
        self.settlement = settlement
        self.stages = stages
        self.raw = raw
        self.message: Any = None
        self.selected = False

    async def handle(self, middlewares: Sequence[Any]) -> Any:
        plan = self.plan
        handler, parse = self.stages[0]
        if len(self.stages) == 1 and handler.filter is None and parse is None:
            self.message = plan.parse(self.raw)
            self.message.set_decoder(handler.decode)
        else:
            handler = await self._select()
        message, decode, read = self.message, handler.decode, handler.run_json
        self.selected = True
        current_frame.set((plan.context, message, plan.subscriber, current_frame.get()))
        if self.settlement.ack_first:
            await self.settlement.ack(message)
        if plan.log_on(plan.log_level):
            plan.log("Received", message)

        async def innermost(msg: Any) -> Any:
            untouched = msg is message and msg._decoder is decode and msg._decoded is None
            if read and untouched and msg._content_type == JSON:
                return await read(msg.body, msg)  # nobody has looked at the body
            return await handler.run(await msg.decode(), msg)

        call_next = consume_chain(middlewares, innermost)
        result = await call_next(message)
        if handler.publishers or handler.afterwards or (plan.may_reply and message.reply_to):
            return await handler.respond(plan)(result, message, middlewares)
        return result

    async def _select(self) -> HandlerPlan:
        parsed: dict[Any, Any] = {}
        for handler, parse in self.stages:
            key = handler.parser
            if key not in parsed:
                parsed[key] = self.plan.parse(self.raw) if parse is None else await parse(self.raw)
            message = parsed[key]
            if self.message is None:
                self.message = message
            message.set_decoder(handler.decode)
            if handler.filter is None or await settle(handler.filter(message)):
                self.message = message
                return handler
        raise SubscriberNotFound(
            f"There is no suitable handler for msg={self.message!r} in {self.plan.subscriber!r}"
        )

    async def finish(self, result: Any, error: BaseException | None) -> Any:
        """Settles the message when all middlewares are through."""
        settlement = self.settlement
        if self.message is None:
            self.message = self._fallback()
        if error is None:
            if settlement.on_success and self.message is not None:
                await settlement.ack(self.message)
            if self.message is not None and self.plan.log_on(self.plan.log_level):
                self.plan.log("Processed", self.message)
            return result
        if settlement.ack_first and not self.selected and self.message is not None:
            await settlement.ack(self.message)
        if await settlement.on_error(self.message, error):
            return None
        raise error

    def _fallback(self) -> Any:
        """When the user's parser failed, the default one still finds what to acknowledge."""
        try:
            return self.plan.parse(self.raw)
        except Exception:
            return None


def _parser(plan: Plan, handler: HandlerPlan) -> Callable[[Any], Awaitable[Any]] | None:
    if handler.parser is None:
        return None

    async def original(raw: Any) -> Any:
        return plan.parse(raw)

    return around(handler.parser, original)


def consume_chain(
    middlewares: Sequence[Any], innermost: Callable[[Any], Awaitable[Any]]
) -> Callable[[Any], Awaitable[Any]]:
    """`innermost` with the consume hooks of middleware objects around it."""
    call_next = innermost
    for middleware in reversed(middlewares):
        if hooks_of(middleware)[1]:
            call_next = partial(middleware.consume_scope, call_next)
    return call_next


async def leave(entered: Sequence[Any], error: BaseException | None) -> BaseException | None:
    """Leaves middlewares, innermost first; returns the exception that is left over."""
    for middleware in reversed(entered):
        if not hooks_of(middleware)[3]:
            continue
        try:
            trace = error.__traceback__ if error is not None else None
            kind = type(error) if error is not None else None
            if await middleware.__aexit__(kind, error, trace):
                error = None
        except BaseException as raised:
            error = raised
    return error
