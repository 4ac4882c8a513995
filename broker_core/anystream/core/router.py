"""Declarations, to be included in a broker or in another router."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from anystream.core.ack import AckPolicy
from anystream.core.exceptions import SetupError
from anystream.core.layers import Layer
from anystream.core.publisher import Publisher
from anystream.core.recording import record_late
from anystream.core.sentinel import EMPTY
from anystream.core.subscriber import Subscriber

if TYPE_CHECKING:
    from fast_depends.dependencies import Dependant

    from anystream.core.broker import Broker


class DeferredPublisher:
    """Arguments of `router.publisher(...)`, kept until a route is registered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs


class Route:
    """A handler with the arguments of its subscriber, registered when its router is made.

    Args:
        call: the handler.
        *args, **kwargs: what `router.subscriber` takes.
        publishers: deferred publishers of the result.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        *args: Any,
        publishers: Iterable[DeferredPublisher] = (),
        **kwargs: Any,
    ) -> None:
        self.call = call
        self.args = args
        self.kwargs = kwargs
        self.publishers = tuple(publishers)

    def register(self, router: Any) -> None:
        """Declares the publishers, then the subscriber, on a router."""
        call = self.call
        for publisher in self.publishers:
            call = router.publisher(*publisher.args, **publisher.kwargs)(call)
        router.subscriber(*self.args, **self.kwargs)(call)


class Router:
    """Subscribers, publishers and other routers below one layer.

    Args:
        prefix: put before the addresses of everything declared here.
        handlers: deferred routes.
        dependencies: run before every handler.
        middlewares: factories; they come inside those of the broker.
        routers: routers to include.
        parser: default parser of everything declared here.
        decoder: default decoder.
        include_in_schema: False hides everything declared here from the documentation.
        ack_policy: default acknowledgement policy.
        underlying_driver_annotations: classes that handlers must ask for by an alias, with what
            to import in place of them.
    """

    family = ""

    def __init__(
        self,
        prefix: str = "",
        handlers: Iterable[Route] = (),
        *,
        dependencies: Iterable[Dependant] = (),
        middlewares: Sequence[Callable[..., Any]] = (),
        routers: Sequence[Router] = (),
        parser: Callable[..., Any] | None = None,
        decoder: Callable[..., Any] | None = None,
        codec: Any = None,
        include_in_schema: bool | None = None,
        ack_policy: AckPolicy = EMPTY,
        underlying_driver_annotations: Mapping[Any, Any] | None = None,
    ) -> None:
        self.layer = Layer(
            prefix=prefix,
            middlewares=list(middlewares),
            dependencies=tuple(dependencies),
            parser=parser,
            decoder=decoder,
            codec=codec,
            ack_policy=ack_policy,
            include_in_schema=include_in_schema,
            driver_annotations=underlying_driver_annotations or {},
        )
        self.parent: Router | None = None
        self.routers: list[Router] = []
        self._inclusion: Layer | None = None
        self._subscribers: list[Subscriber] = []
        self._publishers: list[Publisher] = []
        self._passing: WeakValueDictionary[int, Any] = WeakValueDictionary()  # keeps the order
        self.include_routers(*routers)
        for route in handlers:
            route.register(self)

    def __iter__(self) -> Iterator[Router]:
        yield self
        for router in self.routers:
            yield from router

    @property
    def prefix(self) -> str:
        """The prefix of this router alone."""
        return self.layer.prefix

    @property
    def middlewares(self) -> Sequence[Callable[..., Any]]:
        """The middleware factories of this router alone."""
        return tuple(self.layer.middlewares)

    @property
    def subscribers(self) -> list[Subscriber]:
        """All subscribers below, in order of declaration."""
        found = list(self._subscribers)
        if self._passing:
            found += [item for item in self._passing.values() if isinstance(item, Subscriber)]
        return found + [sub for router in self.routers for sub in router.subscribers]

    @property
    def publishers(self) -> list[Publisher]:
        """All publishers below, in order of declaration."""
        found = list(self._publishers)
        if self._passing:
            found += [item for item in self._passing.values() if isinstance(item, Publisher)]
        return found + [pub for router in self.routers for pub in router.publishers]

    def add_subscriber(self, subscriber: Subscriber, *, persistent: bool = True) -> None:
        """Keeps a subscriber; weakly unless `persistent`."""
        if persistent:
            self._subscribers.append(subscriber)
        else:
            self._passing[id(subscriber)] = subscriber

    def add_publisher(self, publisher: Publisher, *, persistent: bool = True) -> None:
        """Keeps a publisher; weakly unless `persistent`."""
        record_late(publisher, self)
        if persistent:
            self._publishers.append(publisher)
        else:
            self._passing[id(publisher)] = publisher

    def remove_subscriber(self, subscriber: Subscriber) -> None:
        """Forgets a (stopped) subscriber."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
        self._passing.pop(id(subscriber), None)

    def include_router(
        self,
        router: Router,
        *,
        prefix: str = "",
        dependencies: Iterable[Dependant] = (),
        middlewares: Iterable[Callable[..., Any]] = (),
        include_in_schema: bool | None = None,
    ) -> None:
        """Adds everything that a router declares, now and later.

        A router has one parent: including it elsewhere moves it, including it again in the same
        one does nothing.

        Args:
            router: a router of the same broker family.
            prefix: put before the router's own prefix.
            dependencies: run before the router's own.
            middlewares: come outside the router's own.
            include_in_schema: False hides it from the documentation.

        Raises:
            SetupError: the router is of another family, or contains this one.
        """
        if (
            not isinstance(router, Router)
            or router.family != self.family
            or router.root_broker() is router
        ):
            raise SetupError(
                f"Router must be an instance of a {self.family or 'broker'} router, "
                f"got {type(router).__name__}: take the router class from the broker's package"
            )
        if any(inner is self for inner in router):
            raise SetupError(f"{router!r} cannot be included in itself")
        if router.parent is self:
            return
        if router.parent is not None:
            router.parent.routers.remove(router)
        router.parent = self
        router._inclusion = Layer(
            prefix=prefix,
            middlewares=list(middlewares),
            dependencies=tuple(dependencies),
            include_in_schema=include_in_schema,
        )
        self.routers.append(router)
        router.refresh()

    def include_routers(self, *routers: Router) -> None:
        """Includes several routers."""
        for router in routers:
            self.include_router(router)

    def add_middleware(self, middleware: Callable[..., Any]) -> None:
        """Adds a middleware inside those that are there; works while running, too."""
        self.layer.middlewares.append(middleware)
        self.refresh()

    def insert_middleware(self, middleware: Callable[..., Any]) -> None:
        """Adds a middleware outside those that are there; works while running, too."""
        self.layer.middlewares.insert(0, middleware)
        self.refresh()

    def refresh(self) -> None:
        """Resolves everything below anew."""
        for subscriber in self.subscribers:
            subscriber.refresh()
        for publisher in self.publishers:
            publisher.refresh()

    def layers(self) -> list[Layer]:
        """The layers from the outermost parent to this router."""
        outer = self.parent.layers() if self.parent else []
        inclusion = [self._inclusion] if self._inclusion else []
        return [*outer, *inclusion, self.layer]

    def root_broker(self) -> Broker | None:
        """The broker at the top, None if there is none yet."""
        return self.parent.root_broker() if self.parent else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.layer.prefix!r}>"
