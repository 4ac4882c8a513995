"""The user's function, as subscribers and publishers share it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import ReferenceType, ref

from typing_extensions import ParamSpec

from anystream.core.places import call_name
from anystream.core.recording import Recorded

if TYPE_CHECKING:
    from fast_depends.dependencies import Dependant

    from anystream.core.message import StreamMessage
    from anystream.core.publisher import Publisher
    from anystream.core.subscriber import Subscriber

P = ParamSpec("P")
T = TypeVar("T")


class HandlerCallWrapper(Recorded, Generic[P, T]):
    """What a decorator returns: calling it calls the function as it is.

    Args:
        call: the user's function.
    """

    def __init__(self, call: Callable[P, T]) -> None:
        self._original_call = call
        self.publishers: list[Publisher] = []
        # weak: a function must not keep a subscriber alive that the broker only knows weakly
        self._subscribers: list[ReferenceType[Subscriber]] = []
        update_wrapper(self, call)

    @classmethod
    def of(cls, call: Any) -> HandlerCallWrapper[Any, Any]:
        """The one wrapper of a function that several decorators share."""
        return call if isinstance(call, HandlerCallWrapper) else HandlerCallWrapper(call)

    def add_publisher(self, publisher: Publisher) -> None:
        """Publishes results there, too; subscribers that run already do so from now on."""
        self.publishers.append(publisher)
        for known in self._subscribers:
            subscriber = known()
            if subscriber is not None and subscriber.running:
                subscriber.freeze()

    def belongs_to(self, subscriber: Subscriber) -> None:
        """Remembers a subscriber whose handler this is."""
        self._subscribers.append(ref(subscriber))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._original_call(*args, **kwargs)

    async def wait_call(self, timeout: float | None = None) -> None:
        """Waits until the handler was called in test mode; raises what it raised.

        Args:
            timeout: seconds; None waits for ever.
        """
        await self._need_recorder().wait(timeout)

    def __repr__(self) -> str:
        return f"<handler {call_name(self._original_call)}>"


async def accept_fresh(message: StreamMessage[Any]) -> bool:
    """The default filter: messages that no handler has processed yet."""
    return not message.processed


@dataclass(eq=False, repr=False)
class HandlerItem:
    """One handler of a subscriber with what belongs to it alone.

    Args:
        call: the wrapped function.
        filter: decides from the undecoded message; None takes everything.
        parser: replaces or wraps the default parser.
        decoder: replaces or wraps the default decoder.
        dependencies: run before the handler.
    """

    call: HandlerCallWrapper[Any, Any]
    filter: Callable[..., Any] | None = None
    parser: Callable[..., Any] | None = None
    decoder: Callable[..., Any] | None = None
    dependencies: Iterable[Dependant] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """The function's name."""
        return call_name(self.call._original_call)


async def settle(value: Any) -> Any:
    """Awaits what has to be awaited: user functions may be plain or async."""
    return await value if inspect.isawaitable(value) else value


def around(
    custom: Callable[..., Any], original: Callable[[Any], Awaitable[Any]]
) -> Callable[[Any], Awaitable[Any]]:
    """A user's parser or decoder as one coroutine function.

    With one parameter it replaces the default; with more, the second one (by its name) is the
    default.
    """
    names = list(inspect.signature(custom).parameters)

    if len(names) < 2:

        async def replaced(item: Any) -> Any:
            return await settle(custom(item))

        return replaced

    second = names[1]

    async def wrapped(item: Any) -> Any:
        return await settle(custom(item, **{second: original}))

    return wrapped
