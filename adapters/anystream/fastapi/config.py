"""What a StreamRouter knows of the application that it lives in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class FastAPIConfig:
    """The application of a router: known when the router is included in it, and at its start.

    Args:
        dependency_overrides_provider: has `dependency_overrides` that count more than those of
            the application; None for the application's own.
    """

    def __init__(self, dependency_overrides_provider: Any = None) -> None:
        self._provider = dependency_overrides_provider
        self._application: Any = None
        self._hosts: list[APIRouter] = []
        self.state: dict[str, Any] = {}
        """What the lifespan of the application yields, as long as it lasts."""

    @property
    def application(self) -> Any:
        """The application; None while it is not known."""
        if self._application is not None:
            return self._application
        providers = (getattr(it, "dependency_overrides_provider", None) for it in self._hosts)
        return next((it for it in providers if it is not None), None)

    @property
    def dependency_overrides_provider(self) -> Any:
        """What has the `dependency_overrides` that count; None while it is not known."""
        return self.application if self._provider is None else self._provider

    def overrides(self) -> Mapping[Any, Any]:
        """The `dependency_overrides`, as they are now."""
        return getattr(self.dependency_overrides_provider, "dependency_overrides", None) or {}

    def set_application(self, app: Any) -> None:
        """Remembers the application.

        Args:
            app: the one that starts.
        """
        self._application = app

    def included_in(self, host: APIRouter) -> None:
        """Hears of a router, an application's at last, that includes this one or one around it.

        Args:
            host: the including router.
        """
        if not any(known is host for known in self._hosts):
            self._hosts.append(host)
            host.lifespan_context = _remembering(host.lifespan_context, self.state)


def _remembering(lifespan: Lifespan, state: dict[str, Any]) -> Lifespan:
    """The same lifespan, whose state is kept in `state`: a message has no request to ask."""

    @asynccontextmanager
    async def remembered(app: Any) -> AsyncIterator[Any]:
        async with lifespan(app) as found:
            state.update(found or {})
            try:
                yield found
            finally:
                state.clear()

    return remembered
