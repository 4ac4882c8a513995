"""A handler of a StreamRouter, frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from fast_depends.library.serializer import OptionItem
from fastapi.concurrency import run_in_threadpool

from anystream.core.argument_checks import aliases_of
from anystream.core.exceptions import BindingError, FastStreamException
from anystream.core.forward_names import settle_names
from anystream.core.places import call_name, where
from anystream.fastapi.framework import Call, read_call, solve
from anystream.fastapi.payload import taken_from_body
from anystream.fastapi.request import StreamMessage
from anystream.fastapi.results import ResultShape
from anystream.fastapi.straight import Incoming, Steps, is_coroutine
from anystream.fastapi.translating import Translator, check_markers, own_parameters

if TYPE_CHECKING:
    from anystream.core.handler import HandlerItem
    from anystream.core.plan import Plan
    from anystream.core.subscriber import Subscriber
    from anystream.fastapi.router import StreamRouter

_BACKGROUND = "_background_tasks"


class Binder:
    """Binds the handlers of a router's broker; asked by the core when a subscriber is frozen.

    Args:
        router: the router.
    """

    def __init__(self, router: StreamRouter) -> None:
        self.router = router

    def __call__(self, item: HandlerItem, plan: Plan) -> FastAPIBinding:
        return FastAPIBinding(item, plan.subscriber, self.router)

    def body_params(self, subscriber: Subscriber, item: HandlerItem) -> list[OptionItem]:
        """What a handler and its dependencies take from a body, for the AsyncAPI document."""
        root, _ = read_handler(item, subscriber, self.router, {})
        return taken_from_body(root)


def read_handler(
    item: HandlerItem, subscriber: Subscriber, router: StreamRouter, overrides: Mapping[Any, Any]
) -> tuple[Call, list[str]]:
    """Reads a handler with the dependencies around it.

    Args:
        item: the handler.
        subscriber: whose it is.
        router: the router.
        overrides: functions that stand in for dependencies.

    Returns:
        FastAPI's reading, and the names of the parameters that are no dependencies.

    Raises:
        BindingError: FastAPI cannot read it.
        SetupError: it has markers without a meaning here.
    """
    call = item.call._original_call
    settle_names(call)
    translator = Translator(overrides)
    around = (*router.dependencies, *subscriber.merged.dependencies, *item.dependencies)
    try:
        translated = translator.call(call)
        check_markers(translated)
        own = own_parameters(translated)
        return read_call(translated, translator.dependencies(around, subscriber)), own
    except FastStreamException:
        raise
    except Exception as error:
        raise BindingError(
            f"the arguments of {where(call)} cannot be bound by FastAPI: "
            f"{_hint(call, subscriber)}{error}"
        ) from error


def _hint(call: Callable[..., Any], subscriber: Subscriber) -> str:
    """Which annotation to import, if a parameter has a class that no message can fill."""
    known = aliases_of(type(subscriber.broker))
    annotations = getattr(call, "__annotations__", {})
    found = [
        f"`{name}: {kind.__name__}` is injected by an annotation: {known[kind]}; "
        for name, kind in annotations.items()
        if isinstance(kind, type) and kind in known
    ]
    return "".join(found)


class FastAPIBinding:
    """From a decoded body to a handler's result, through FastAPI's dependencies.

    Args:
        item: the handler.
        subscriber: whose it is.
        router: the router.

    Raises:
        BindingError: the signature cannot be understood.
    """

    def __init__(self, item: HandlerItem, subscriber: Subscriber, router: StreamRouter) -> None:
        self.item = item
        self.subscriber = subscriber
        self.router = router
        self.call = item.call._original_call
        self.shape = subscriber.binding_options or ResultShape({})
        self._is_async = is_coroutine(self.call)
        self._publishers = item.call.publishers
        self._no_reply = subscriber.no_reply
        self._overrides: dict[Any, Any] = {}
        self._read()
        kinds = {kind for call in self._root.walk() for kind in call.specials}
        self.afterwards = _run_background if "background_tasks" in kinds else None

    def _read(self) -> None:
        found = read_handler(self.item, self.subscriber, self.router, self._overrides)
        self._root, self._own = found
        self._first = self._own[0] if self._own else None
        reasons = [call.reason for call in self._root.walk() if call.reason]
        self._steps = None if reasons else Steps(self._root)
        calls = list(self._root.walk())
        sources = {field.source for call in calls for field in call.fields}
        self._wants_values = bool(sources & {"path", "query"}) or any(it.specials for it in calls)
        self.lines = [f"solve arguments with FastAPI ({reasons[0]})"] if reasons else []
        self.lines += [
            f"{'call' if step is self._root else 'depend on'} {_shown(step.call)}"
            for step in reversed(calls)
        ]

    async def run(self, body: Any, message: Any) -> Any:
        """Calls the handler.

        Raises:
            RequestValidationError: the message does not fit.
            ResponseValidationError: the result does not fit the response model.
        """
        overrides = self.router.fastapi_config.overrides()
        if overrides != self._overrides:
            self._overrides = dict(overrides)
            self._read()
        incoming = self._incoming(body, message)
        steps = self._steps
        if steps is not None and not steps.needs_stack:
            return await self._call(await steps.arguments(incoming), incoming)
        async with AsyncExitStack() as stack:
            incoming.stack = stack
            if steps is not None:
                values = await steps.arguments(incoming)
            else:
                values, tasks = await solve(self._root, incoming.request, incoming.body, stack)
                incoming.background = tasks
            return await self._call(values, incoming)

    async def _call(self, values: dict[str, Any], incoming: Incoming) -> Any:
        if self._is_async:
            result = await self.call(**values)
        else:
            result = await run_in_threadpool(self.call, **values)
        if incoming.background is not None:
            setattr(incoming.message, _BACKGROUND, incoming.background)
        shape = self.shape
        asked = self._publishers or (incoming.message.reply_to and not self._no_reply)
        if result is None and shape.model is None:
            return None
        if asked or shape.model is not None or self.subscriber.broker.testing:
            return shape.shape(result)
        return result  # nobody asked for it

    def _incoming(self, body: Any, message: Any) -> Incoming:
        values: Any
        if self._first is None:
            body = values = {}
        elif isinstance(body, dict):
            values = body
        elif isinstance(body, list):
            values = {}
        else:
            body = values = {self._first: body}
        if self._wants_values or self._steps is None:
            path = message.path
            if path:
                values = {**values, **path}
        return Incoming(message, body, values, self._first is None, self._request)

    def _request(self, incoming: Incoming) -> StreamMessage:
        router, config = self.router, self.router.fastapi_config
        return StreamMessage(
            incoming.message,
            body=incoming.body,
            values=incoming.values,
            headers=incoming.headers,
            app=config.application,
            state={**config.state, **router.state},
            context=self.subscriber.broker.context,
        )


async def _run_background(message: Any) -> None:
    """Background tasks, when the result is published and before the message is acknowledged."""
    tasks = getattr(message, _BACKGROUND, None)
    if tasks is not None:
        await tasks()


def _shown(call: Any) -> str:
    return repr(call) if not hasattr(call, "__name__") else call_name(call)
