"""Typing names of the public API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from anystream.core.message import StreamMessage
    from anystream.core.response import PublishCommand

AnyCallable: TypeAlias = Callable[..., Any]
AsyncFunc: TypeAlias = Callable[..., Awaitable[Any]]
AsyncFuncAny: TypeAlias = Callable[[Any], Awaitable[Any]]
DecodedMessage: TypeAlias = Any
SendableMessage: TypeAlias = Any
Filter: TypeAlias = Callable[[Any], bool | Awaitable[bool]]
Lifespan: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
SettingField: TypeAlias = "bool | str | list[bool | str] | list[str] | list[bool] | int | None"
CustomCallable: TypeAlias = Callable[..., Any]
WrappedHandlerCall: TypeAlias = Callable[["StreamMessage[Any]"], Awaitable[Any]]

CallNext: TypeAlias = Callable[["StreamMessage[Any]"], Awaitable[Any]]
PublishNext: TypeAlias = Callable[["PublishCommand"], Awaitable[Any]]
BrokerMiddleware: TypeAlias = Callable[..., Any]
SubscriberMiddleware: TypeAlias = Callable[[CallNext, "StreamMessage[Any]"], Awaitable[Any]]
PublisherMiddleware: TypeAlias = Callable[[PublishNext, "PublishCommand"], Awaitable[Any]]

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])


class LoggerProto(Protocol):
    """All that anystream asks of a logger."""

    def log(
        self,
        level: int,
        msg: Any,
        /,
        *,
        exc_info: Any = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...
