"""Arguments of a handler without asking FastAPI for each message.

The calls that lead to a handler's arguments become a list of steps, each with the parameters
that it reads and the earlier steps whose results it takes. A message runs down the list. What
comes out, results and errors, is what FastAPI's own solver makes of it; a test compares both.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

from fastapi import BackgroundTasks, Response
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from fastapi.exceptions import RequestValidationError

from anystream.fastapi.context import FromContext
from anystream.fastapi.framework import Call, Field
from anystream.fastapi.request import MessageHeaders, StreamMessage

_FAILED: Any = object()
_ABSENT: Any = object()

Get = Callable[["Incoming"], Any]


class Incoming:
    """What a message has to give.

    Args:
        message: the message.
        body: the body as body parameters see it.
        values: what query parameters are taken from.
        path: captures of the address; they win over the body's keys.
        headers: None where headers are hidden.
        request: makes the request object.
    """

    __slots__ = ("_headers", "_request", "background", "body", "make", "message", "stack", "values")

    def __init__(
        self,
        message: Any,
        body: Any,
        values: Mapping[str, Any],
        hidden: bool,
        make: Callable[[Incoming], StreamMessage],
    ) -> None:
        self.message = message
        self.body = body
        self.values = values
        self.make = make
        self.background: BackgroundTasks | None = None
        self.stack: Any = None
        self._headers: MessageHeaders | None = MessageHeaders() if hidden else None
        self._request: StreamMessage | None = None

    @property
    def headers(self) -> MessageHeaders:
        """The message's headers."""
        if self._headers is None:
            self._headers = MessageHeaders(self.message.headers)
        return self._headers

    @property
    def request(self) -> StreamMessage:
        """The message as a request; the same object for everybody."""
        if self._request is None:
            self._request = self.make(self)
        return self._request

    def tasks(self) -> BackgroundTasks:
        """The background tasks; the same object for everybody."""
        if self.background is None:
            self.background = BackgroundTasks()
        return self.background


class Reader:
    """Reads one parameter.

    Args:
        field: the parameter.
        embeds: whether a body parameter is a key of the body.
    """

    __slots__ = ("alias", "field", "loc", "mapping", "name", "validate", "whole")

    def __init__(self, field: Field, embeds: bool) -> None:
        self.field = field
        self.name = field.name
        self.alias = field.alias
        self.whole = field.source == "body" and not embeds
        self.mapping = field.source
        self.loc: tuple[str, ...] = ("body",) if self.whole else (field.source, field.alias)
        self.validate = field.validate

    def read(self, incoming: Incoming, values: dict[str, Any], errors: list[Any]) -> None:
        """Puts the value into `values`, or what is wrong with it into `errors`."""
        value = incoming.body if self.whole else self._look_up(incoming)
        if value is _ABSENT:
            if self.field.required:
                errors.append(_missing(self.loc))
            else:
                values[self.name] = deepcopy(self.field.default())
            return
        value, wrong = self.validate(value, values, loc=self.loc)
        if wrong:
            errors.extend(wrong if isinstance(wrong, list) else [wrong])
        else:
            values[self.name] = value

    def _look_up(self, incoming: Incoming) -> Any:
        if self.mapping == "body":
            body = incoming.body
            return body.get(self.alias, _ABSENT) if isinstance(body, Mapping) else _ABSENT
        place = incoming.headers if self.mapping == "header" else incoming.values
        value = place.get(self.alias)
        return _ABSENT if value is None else value


class Step:
    """One call: a dependency, or at the end the handler.

    Args:
        call: the call.
        embeds: see `Reader`.
        takes: names of parameters with the number of the step whose result they take; None drops
            the result.
    """

    def __init__(self, call: Call, embeds: bool, takes: list[tuple[str | None, int]]) -> None:
        self.call = call.call
        self.readers = [Reader(field, embeds) for field in call.fields]
        self.needs = [number for _, number in takes]
        self.takes = [(name, number) for name, number in takes if name is not None]
        self.specials = [(name, _SPECIALS[kind]) for kind, name in call.specials.items()]
        self.from_context = call.call if isinstance(call.call, FromContext) else None
        self.enter = _entering(call.call)
        self.is_async = is_coroutine(call.call)

    def arguments(self, incoming: Incoming, results: list[Any], errors: list[Any]) -> Any:
        """The arguments of the call, or `_FAILED`."""
        before = len(errors)
        values = {name: results[number] for name, number in self.takes}
        for reader in self.readers:
            reader.read(incoming, values, errors)
        if len(errors) > before or any(results[number] is _FAILED for number in self.needs):
            return _FAILED
        for name, get in self.specials:
            values[name] = get(incoming)
        return values

    async def result(self, incoming: Incoming, values: dict[str, Any]) -> Any:
        """Calls a dependency."""
        if self.from_context is not None:
            return self.from_context.find(incoming.request.context)
        if self.enter is not None:
            return await incoming.stack.enter_async_context(self.enter(**values))
        if self.is_async:
            return await self.call(**values)
        return await run_in_threadpool(self.call, **values)


class Steps:
    """All steps of a handler, in the order in which they run.

    Args:
        root: the handler.
    """

    def __init__(self, root: Call) -> None:
        self._known: dict[Any, int] = {}
        self._embeds = root.embeds
        self.list: list[Step] = []
        self._add(root)
        self.needs_stack = any(step.enter is not None for step in self.list)

    def _add(self, call: Call) -> int:
        key = call.call
        if call.use_cache and key in self._known:
            return self._known[key]
        takes = [(child.name, self._add(child)) for child in call.calls]
        self.list.append(Step(call, self._embeds, takes))
        number = len(self.list) - 1
        self._known.setdefault(key, number)
        return number

    async def arguments(self, incoming: Incoming) -> dict[str, Any]:
        """The handler's arguments.

        Raises:
            RequestValidationError: the message does not fit.
        """
        errors: list[Any] = []
        results: list[Any] = []
        *steps, last = self.list
        for step in steps:
            values = step.arguments(incoming, results, errors)
            results.append(_FAILED if values is _FAILED else await step.result(incoming, values))
        found: dict[str, Any] = last.arguments(incoming, results, errors)
        if errors:
            raise RequestValidationError(errors, body=incoming.body)
        return found


def is_coroutine(call: Callable[..., Any]) -> bool:
    """Whether a call has to be awaited; others run in a thread, as FastAPI does it."""
    return _is(call, inspect.iscoroutinefunction)


def _is(call: Any, kind: Callable[[Any], bool]) -> bool:
    while isinstance(call, partial):
        call = call.func
    call = inspect.unwrap(call)
    if inspect.isclass(call):
        return False
    return kind(call) or kind(getattr(type(call), "__call__", None))  # noqa: B004


def _entering(call: Callable[..., Any]) -> Callable[..., Any] | None:
    if _is(call, inspect.isasyncgenfunction):
        return asynccontextmanager(call)
    if _is(call, inspect.isgeneratorfunction):
        made = contextmanager(call)
        return lambda **values: contextmanager_in_threadpool(made(**values))
    return None


def _missing(loc: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "missing", "loc": loc, "msg": "Field required", "input": None}


_SPECIALS: dict[str, Get] = {
    "request": lambda incoming: incoming.request,
    "http_connection": lambda incoming: incoming.request,
    "response": lambda incoming: Response(),
    "background_tasks": lambda incoming: incoming.tasks(),
}

__all__ = ("Incoming", "Steps", "is_coroutine")
