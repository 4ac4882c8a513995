"""A FastAPI router that has message handlers, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from inspect import signature
from typing import Any, ClassVar, TypeVar, cast

from fastapi import APIRouter

from anystream.asgi.asyncapi import asyncapi_routes
from anystream.core.context import ContextRepo
from anystream.core.exceptions import SetupError
from anystream.core.publisher import Publisher
from anystream.core.router import Router
from anystream.core.subscriber import Subscriber
from anystream.fastapi.binding import Binder
from anystream.fastapi.config import FastAPIConfig
from anystream.fastapi.framework import when_included
from anystream.fastapi.lifespan import Hook, RouterLifespan
from anystream.fastapi.results import ResponseOptions, ResultShape
from anystream.fastapi.translating import as_depends, check_endpoint
from anystream.specification import AsyncAPI

HookT = TypeVar("HookT", bound=Hook)

logger = logging.getLogger("anystream.hosting")

_HTTP_OPTIONS = frozenset(signature(APIRouter.__init__).parameters) - {"self"}
_NOT_HERE = {
    "apply_types": "FastAPI always binds the arguments",
    "provider": "dependencies are FastAPI's: use `app.dependency_overrides`",
}


class StreamRouter(APIRouter):
    """An `APIRouter` whose functions may also be handlers of messages, with FastAPI's own
    `Depends`, `BackgroundTasks`, `Header`, models and overrides.

    The broker starts with the application that includes the router, wherever it is included.
    `prefix` and `tags` are those of HTTP; addresses of messages have none. `dependencies` run
    for HTTP endpoints and before every message handler.

    Args:
        *address: what the broker takes first: its servers or URL.
        setup_state: put the broker, what the router's lifespan yields and what the
            `after_startup` hooks return into the state of the application, `request.state`.
        schema_url: where the AsyncAPI page is, below the prefix; `.json`, `.yaml` and `/try` are
            beside it. None for nowhere; nor is it anywhere with `include_in_schema=False`.
        specification: an `AsyncAPI` of your own; by default one with the application's title.
        specification_tags: tags of the server in the document.
        context: the context repository.
        start_timeout: seconds the broker may take to start; None for no limit.
        **options: those of `APIRouter`, and those of the broker.

    Raises:
        SetupError: an option is neither of the router nor of the broker, or has no use.
    """

    broker_class: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        *address: Any,
        setup_state: bool = True,
        schema_url: str | None = "/asyncapi",
        specification: AsyncAPI | None = None,
        specification_tags: Iterable[Any] = (),
        context: ContextRepo | None = None,
        start_timeout: float | None = 30.0,
        **options: Any,
    ) -> None:
        for name, reason in _NOT_HERE.items():
            if name in options:
                raise SetupError(f"{type(self).__name__} does not take `{name}`: {reason}")
        http = {name: options.pop(name) for name in _HTTP_OPTIONS & set(options)}
        self.state: dict[str, Any] = {}
        self.fastapi_config = FastAPIConfig(http.get("dependency_overrides_provider"))
        self._lifespan = RouterLifespan(
            self, http.pop("lifespan", None), setup_state=setup_state, start_timeout=start_timeout
        )
        self._lifespan.on_startup += http.pop("on_startup", None) or []
        self._lifespan.on_shutdown += http.pop("on_shutdown", None) or []
        repo = context or ContextRepo()
        self.broker = type(self).broker_class(
            *address, context=repo, tags=tuple(specification_tags), **options
        )
        self.broker.binder = Binder(self)
        self.context = repo
        repo.set_global("app", self)
        http["dependencies"] = as_depends(http.get("dependencies") or (), type(self).__name__)
        super().__init__(**http, lifespan=cast(Any, self._lifespan))
        when_included(self, self.fastapi_config.included_in)
        self._has_own_document = specification is not None
        self.schema = specification or AsyncAPI()
        self.schema.add_broker(self.broker)
        if schema_url and self.include_in_schema:
            for path, endpoint in asyncapi_routes(schema_url, self.schema):
                self.add_route(self.prefix + path, cast(Any, endpoint), include_in_schema=False)

    def settle_in(self, app: Any) -> None:
        """Remembers the application and lets the document say its name; called at the start."""
        self.fastapi_config.set_application(app)
        if self._has_own_document:
            return
        try:
            named = AsyncAPI(
                title=app.title,
                version=app.version,
                description=app.description or None,
                contact=app.contact,
                license=app.license_info,
            )
            self.schema.about = replace(
                named.about, tags=self.schema.about.tags, identifier=self.schema.about.identifier
            )
        except Exception as error:  # documents degrade, the application starts
            logger.warning("%r says nothing of its application in AsyncAPI: %r", self, error)

    def subscriber(self, *args: Any, **options: Any) -> Subscriber:
        """Declares a handler of messages.

        Args:
            *args: what the broker's `subscriber` takes.
            **options: those of the broker's `subscriber`, with `dependencies` of FastAPI, and
                those of `ResponseOptions`.

        Raises:
            OptionError: an option does not exist.
        """
        shape: ResponseOptions = {}
        for name in ResponseOptions.__optional_keys__ & set(options):
            shape[name] = options.pop(name)  # type: ignore[literal-required]
        made: Subscriber = self.broker.subscriber(*args, **options)
        made.binding_options = ResultShape(shape)
        return made

    def publisher(self, *args: Any, **options: Any) -> Publisher:
        """Declares where a handler's results go; an object to publish by, too.

        Args:
            *args: what the broker's `publisher` takes.
            **options: those of the broker's `publisher`.
        """
        made: Publisher = self.broker.publisher(*args, **options)
        return made

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Adds an HTTP endpoint; what `get`, `post` and so on come to.

        Args:
            path: below the prefix.
            endpoint: the function.
            **options: those of `APIRouter.add_api_route`.

        Raises:
            SetupError: it has markers that belong into handlers of messages.
        """
        check_endpoint(endpoint)
        options["dependencies"] = as_depends(options.get("dependencies") or (), endpoint)
        super().add_api_route(path, endpoint, **options)

    def include_router(self, router: Any, **options: Any) -> None:
        """Includes a router: FastAPI's, another StreamRouter, or a plain one of the broker.

        Handlers of a plain router are bound by FastAPI. What is set on that router itself holds
        (its prefix, its middlewares); of the options of this call only HTTP routers make use.

        Args:
            router: the router.
            **options: those of `APIRouter.include_router`.

        Raises:
            SetupError: `prefix` or `dependencies` are given with a plain router: set them on it.
        """
        if not isinstance(router, Router):
            super().include_router(router, **options)
            return
        for name in ("prefix", "dependencies"):
            if options.get(name):
                raise SetupError(
                    f"include_router({router!r}, {name}=...): {name} of this call is for HTTP "
                    f"routers. Set it on the {type(router).__name__} itself"
                )
        self.broker.include_router(router)

    def add_event_handler(self, event_type: str, func: Callable[[], Any]) -> None:
        """Adds a function that runs with the router's lifespan, whether the application has one
        of its own or not.

        Args:
            event_type: "startup" or "shutdown".
            func: the function.

        Raises:
            SetupError: there is no such event.
        """
        if event_type not in ("startup", "shutdown"):
            raise SetupError(f"there is no event {event_type!r}: take 'startup' or 'shutdown'")
        getattr(self._lifespan, f"on_{event_type}").append(func)

    def after_startup(self, hook: HookT) -> HookT:
        """Registers a function of the application that runs when the broker is started.

        Args:
            hook: plain or async; what it returns, a mapping or None, goes into the state.
        """
        self._lifespan.after_startup.append(hook)
        return hook

    def on_broker_shutdown(self, hook: HookT) -> HookT:
        """Registers a function of the application that runs before the broker is stopped.

        Args:
            hook: plain or async.
        """
        self._lifespan.on_broker_shutdown.append(hook)
        return hook

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.prefix!r} {self.broker!r}>"
