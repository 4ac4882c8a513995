"""The life of a StreamRouter's broker, inside that of the application."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from anystream.core.exceptions import SetupError
from anystream.core.lifecycle import start_brokers, stop_brokers

Hook = Callable[[Any], Any]


class RouterLifespan:
    """Starts a broker after the user's own start-up, and stops it before the user's own end.

    It may be entered several times at once, by a router that is included twice or both included
    and passed as `lifespan=`: the broker starts once and stops when the last one leaves.

    Args:
        router: the router.
        user: the router's `lifespan=`.
        setup_state: whether the state of the application gets the broker and the hooks' results.
        start_timeout: seconds the broker may take to start; None for no limit.
    """

    def __init__(
        self, router: Any, user: Any, *, setup_state: bool, start_timeout: float | None
    ) -> None:
        if user is not None and not callable(user):
            raise SetupError(
                f"lifespan={user!r} is no lifespan: pass a function that takes the app"
            )
        if inspect.isasyncgenfunction(user):
            user = asynccontextmanager(user)
        self.router = router
        self.user: Any = user
        self.setup_state = setup_state
        self.start_timeout = start_timeout
        self.on_startup: list[Callable[[], Any]] = []
        self.on_shutdown: list[Callable[[], Any]] = []
        self.after_startup: list[Hook] = []
        self.on_broker_shutdown: list[Hook] = []
        self._inside = 0
        self._stack: AsyncExitStack | None = None

    @asynccontextmanager
    async def __call__(self, app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        self._inside += 1
        try:
            if self._inside == 1:
                await self._begin(app)
            try:
                yield dict(self.router.state) if self.setup_state else None
            except BaseException as error:
                await self._end(error)
                raise
            await self._end(None)
        finally:
            self._inside -= 1

    async def _begin(self, app: Any) -> None:
        stack = AsyncExitStack()
        try:
            await stack.enter_async_context(self._running(app))
        except BaseException:
            self.router.state = {}
            raise
        self._stack = stack

    async def _end(self, error: BaseException | None) -> None:
        if self._inside == 1 and self._stack is not None:
            stack, self._stack = self._stack, None
            trace = error.__traceback__ if error is not None else None
            await stack.__aexit__(type(error) if error is not None else None, error, trace)

    @asynccontextmanager
    async def _running(self, app: Any) -> AsyncIterator[None]:
        router = self.router
        router.settle_in(app)
        async with self._of_user(app) as state:
            router.state = {"broker": router.broker, **(state or {})}
            await start_brokers([router.broker], timeout=self.start_timeout)
            try:
                for hook in self.after_startup:
                    found = await _settled(hook(app))
                    router.state.update(_checked(found, hook))
                yield
                for hook in self.on_broker_shutdown:
                    await _settled(hook(app))
            finally:
                await stop_brokers([router.broker])
        router.state = {}

    @asynccontextmanager
    async def _of_user(self, app: Any) -> AsyncIterator[Any]:
        async with self._entered(app) as state:
            for hook in self.on_startup:
                await _settled(hook())
            try:
                yield state
            finally:
                for hook in self.on_shutdown:
                    await _settled(hook())

    @asynccontextmanager
    async def _entered(self, app: Any) -> AsyncIterator[Any]:
        if self.user is None:
            yield None
            return
        lifespan = self.user(app)
        async with lifespan as state:
            yield state


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _checked(found: Any, hook: Hook) -> Mapping[str, Any]:
    if found is None:
        return {}
    if isinstance(found, Mapping):
        return found
    raise SetupError(
        f"the after_startup hook {hook!r} returned {found!r}: return a mapping for the state of "
        "the application, or None"
    )
