"""Middlewares: code around receiving, handling and publishing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from inspect import isawaitable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from anystream.core.context import ContextRepo
from anystream.core.exceptions import IgnoredException
from anystream.core.response import PublishCommand

if TYPE_CHECKING:
    from anystream.core.message import StreamMessage


class BaseMiddleware:
    """Base of middlewares; override what you need, hooks left alone cost nothing.

    A new object is made for each incoming message, and for each publish outside a handler.

    Args:
        msg: the native message; None when nothing came in.
        context: the context of the broker.
    """

    def __init__(self, msg: Any = None, /, *, context: ContextRepo) -> None:
        self.msg = msg
        self.context = context

    async def on_receive(self) -> None:
        """Called for every native message, before it is parsed."""

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        """Called when a message is done, answers included; True swallows the exception."""
        return False

    async def __aenter__(self) -> Self:
        await self.on_receive()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        return await self.after_processed(exc_type, exc_val, exc_tb)

    async def consume_scope(
        self,
        call_next: Callable[[StreamMessage[Any]], Awaitable[Any]],
        msg: StreamMessage[Any],
    ) -> Any:
        """Around the handler; the body is not decoded yet."""
        return await call_next(msg)

    async def publish_scope(
        self,
        call_next: Callable[[PublishCommand], Awaitable[Any]],
        cmd: PublishCommand,
    ) -> Any:
        """Around every publish; may change the command, or not send it."""
        return await call_next(cmd)


class ExceptionMiddleware:
    """Turns exceptions of handlers into actions or answers.

    Args:
        handlers: exception type to a function that is called with the exception (and what it
            asks for by `Context`, `Depends`, …); the exception is swallowed.
        publish_handlers: the same, but what the function returns is the handler's result.
    """

    def __init__(
        self,
        handlers: dict[type[Exception], Callable[..., Any]] | None = None,
        publish_handlers: dict[type[Exception], Callable[..., Any]] | None = None,
    ) -> None:
        self._handlers: dict[type[BaseException], Callable[..., Any]] = {}
        self._publish_handlers: dict[type[BaseException], Callable[..., Any]] = {}
        for kind, function in (handlers or {}).items():
            self.add_handler(kind)(function)
        for kind, function in (publish_handlers or {}).items():
            self.add_handler(kind, publish=True)(function)

    def add_handler(
        self, exc: type[Exception], publish: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers a function for an exception type; use it as a decorator.

        Args:
            exc: the exception type; the nearest class of the raised one's MRO is taken.
            publish: the function's result replaces the handler's.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            from fast_depends import inject

            table = self._publish_handlers if publish else self._handlers
            table[exc] = inject(function)
            return function

        return register

    def __call__(self, msg: Any = None, /, *, context: ContextRepo) -> _ExceptionScope:
        return _ExceptionScope(self._handlers, self._publish_handlers, msg, context=context)


def _nearest(
    table: dict[type[BaseException], Callable[..., Any]], error: BaseException
) -> Callable[..., Any] | None:
    for kind in type(error).__mro__:
        if kind is IgnoredException:
            return None
        if kind in table:
            return table[kind]
    return None


class _ExceptionScope(BaseMiddleware):
    def __init__(
        self,
        handlers: dict[type[BaseException], Callable[..., Any]],
        publish_handlers: dict[type[BaseException], Callable[..., Any]],
        msg: Any,
        /,
        *,
        context: ContextRepo,
    ) -> None:
        super().__init__(msg, context=context)
        self._handlers = handlers
        self._publish_handlers = publish_handlers

    async def consume_scope(
        self,
        call_next: Callable[[StreamMessage[Any]], Awaitable[Any]],
        msg: StreamMessage[Any],
    ) -> Any:
        try:
            return await call_next(msg)
        except Exception as error:
            function = _nearest(self._publish_handlers, error)
            if function is None:
                raise
            return await self._call(function, error)

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        if exc_val is None:
            return None
        function = _nearest(self._handlers, exc_val)
        if function is None:
            return False
        await self._call(function, exc_val)
        return True

    async def _call(self, function: Callable[..., Any], error: BaseException) -> Any:
        known = "message" in self.context
        with nullcontext() if known else self.context.scope("message", self.msg):
            result = function(error, context__=self.context)
            return await result if isawaitable(result) else result


Hooks = tuple[bool, bool, bool, str]
_hooks: dict[type, Hooks] = {}


def hooks_of(middleware: Any) -> Hooks:
    """Which of enter, consume and publish a middleware object overrides, and the name of the
    method that is called at the end; empty if there is nothing to call."""
    return _hooks.get(type(middleware)) or _look_at(type(middleware))


def _look_at(kind: type) -> Hooks:
    base = BaseMiddleware

    def differs(name: str) -> bool:
        return getattr(kind, name, None) is not getattr(base, name)

    end = "__aexit__" if differs("__aexit__") else "after_processed"
    found = _hooks[kind] = (
        differs("on_receive") or differs("__aenter__"),
        differs("consume_scope"),
        differs("publish_scope"),
        end if differs(end) else "",
    )
    return found
