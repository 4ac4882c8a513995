"""Copies of brokers in test mode, beside the brokers themselves: to try a handler out.

The live objects stay as they are. While code runs inside `isolated(...)`, and in tasks and threads
that it starts, whatever it publishes through a live broker goes through that broker's copy.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from anystream.core.exceptions import (
    FastStreamException,
    FeatureNotSupportedException,
    IncorrectState,
)
from anystream.core.stand_ins import stand_ins

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.handler import HandlerCallWrapper
    from anystream.core.publisher import Publisher
    from anystream.core.router import Router
    from anystream.core.subscriber import Subscriber
    from anystream.core.testing import TestBroker


class Copies:
    """Brokers with all that they declare, copied.

    Args:
        brokers: the live brokers; those that their handlers publish to are copied as well.
    """

    def __init__(self, brokers: Iterable[Broker]) -> None:
        self.brokers: dict[Broker, Broker] = {}
        self.subscribers: dict[Subscriber, Subscriber] = {}
        self._routers: dict[Router, Router] = {}
        self._publishers: dict[Publisher, Publisher] = {}
        self._calls: dict[int, HandlerCallWrapper[Any, Any]] = {}
        waiting = list(brokers)
        for broker in waiting:
            if broker not in self.brokers:
                self.brokers[broker] = self._broker(broker)
                waiting += _published_to(broker)
        for subscriber in self.subscribers.values():
            subscriber.calls = [
                replace(item, call=self._call(item.call)) for item in subscriber.calls
            ]

    def _broker(self, broker: Broker) -> Broker:
        broker.logger  # noqa: B018 - made now, the copy shares it
        twin: Broker = self._router(broker, None)  # type: ignore[assignment]
        twin.connected = twin.running = twin.testing = twin.recording = False
        twin._outbox = twin._busy = twin._connecting = None
        twin._stop_asked = False
        twin.log_level = logging.DEBUG  # it is no traffic
        return twin

    def _router(self, router: Router, parent: Router | None) -> Router:
        twin = self._routers[router] = copy.copy(router)
        twin.parent = parent
        children = {id(each) for inner in router.routers for each in inner.subscribers}
        twin._subscribers = [
            self._subscriber(each, twin) for each in router.subscribers if id(each) not in children
        ]
        children = {id(each) for inner in router.routers for each in inner.publishers}
        twin._publishers = [
            self._publisher(each, twin) for each in router.publishers if id(each) not in children
        ]
        twin._passing = type(router._passing)()
        twin.routers = [self._router(inner, twin) for inner in router.routers]
        return twin

    def _subscriber(self, subscriber: Subscriber, parent: Router) -> Subscriber:
        twin = self.subscribers[subscriber] = copy.copy(subscriber)
        twin.parent = parent
        twin.running = False
        twin.pipeline = twin._merged = twin._runner = twin._feed = None
        twin._reading = twin._stopping = twin._ending = None
        twin.process_message = _never_stopping(twin)  # type: ignore[method-assign, assignment]
        return twin

    def _publisher(self, publisher: Publisher, parent: Router) -> Publisher:
        twin = self._publishers[publisher] = copy.copy(publisher)
        twin.parent = parent
        twin.recorder = None
        twin.refresh()
        return twin

    def _call(self, call: HandlerCallWrapper[Any, Any]) -> HandlerCallWrapper[Any, Any]:
        twin = self._calls.get(id(call))
        if twin is None:
            twin = self._calls[id(call)] = copy.copy(call)
            twin.publishers = [self._publishers[each] for each in call.publishers]
            twin._subscribers = []
            twin.recorder = None
        return twin

    def of(self, broker: Broker) -> Broker:
        """What stands in for a broker.

        Raises:
            IncorrectState: the broker is none of those that were copied.
        """
        if broker in self.brokers:
            return self.brokers[broker]
        if any(broker is twin for twin in self.brokers.values()):
            return broker
        raise IncorrectState(
            f"{broker!r} is not part of what is tried out, so nothing is published to it: add it "
            "to the application that has the document"
        )


@asynccontextmanager
async def isolated(brokers: Iterable[Broker]) -> AsyncIterator[Copies]:
    """Copies of brokers, started in test mode for the length of an `async with` block.

    Args:
        brokers: the live brokers.

    Raises:
        FeatureNotSupportedException: there is no test mode for a broker.
        SetupError: a declaration is not complete.
    """
    copies = Copies(brokers)
    kinds: dict[type[TestBroker], list[Broker]] = {}
    for twin in copies.brokers.values():
        kinds.setdefault(find_test_mode(twin), []).append(twin)
    async with AsyncExitStack() as stack:
        for kind, twins in kinds.items():
            await stack.enter_async_context(kind(*twins))
        token = stand_ins.set(copies)
        try:
            yield copies
        finally:
            stand_ins.reset(token)


def find_test_mode(broker: Broker) -> type[TestBroker]:
    """The class of a broker's test mode: that of the `testing` module beside the broker's own.

    Raises:
        FeatureNotSupportedException: there is none.
    """
    from anystream.core.testing import TestBroker

    for kind in type(broker).__mro__:
        package, _, module = kind.__module__.rpartition(".")
        if module == "broker" and package != "anystream.core":
            found: Mapping[str, Any] = vars(import_module(f"{package}.testing"))
            for value in found.values():
                is_test_mode = isinstance(value, type) and issubclass(value, TestBroker)
                if (
                    is_test_mode
                    and isinstance(broker, value.broker_class)
                    and value is not TestBroker
                ):
                    mode: type[TestBroker] = value
                    return mode
    raise FeatureNotSupportedException(f"there is no test mode for {broker!r}")


def _never_stopping(subscriber: Subscriber) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    """Handles a message; a handler that ends the application ends the try alone."""
    process = subscriber.process_message

    async def processed(raw: Any) -> Any:
        try:
            return await process(raw)
        except SystemExit as error:
            # in a task it would end the event loop
            raise FastStreamException(f"the handler ended the application: {error!r}") from error

    return processed


def _published_to(broker: Broker) -> list[Broker]:
    return [
        publisher.broker
        for subscriber in broker.subscribers
        for item in subscriber.calls
        for publisher in item.call.publishers
    ]
