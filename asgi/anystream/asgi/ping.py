"""A health endpoint: does the broker answer?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any

from anystream.asgi.endpoint import Answer, Reads
from anystream.asgi.handlers import HttpHandler
from anystream.asgi.refusals import method_refusal
from anystream.asgi.response import AsgiResponse
from anystream.asgi.types import Receive, Scope
from anystream.core.exceptions import SetupError

DESCRIPTION = "Answers 204 when the broker answers a ping in time, otherwise 500."

HEALTHY = AsgiResponse(status_code=204)
UNHEALTHY = AsgiResponse(status_code=500, headers={"content-length": "0"})

ping_logger = logging.getLogger("anystream.asgi.ping")


def make_ping_asgi(
    broker: Any,
    /,
    timeout: float | None = 5.0,
    include_in_schema: bool = True,
    description: str | None = None,
    tags: Sequence[Any] | None = None,
    unique_id: str | None = None,
) -> PingHandler:
    """Makes an endpoint that answers 204 while the broker answers, otherwise 500.

    It takes GET and HEAD, and is an ASGI callable for `AsgiFastStream` and for any framework. A
    ping that raises counts as no answer and is logged.

    Args:
        broker: a broker (anything with `async ping(timeout)`), a list of brokers, or an
            application with `brokers`; of several all must answer.
        timeout: seconds; None waits as long as the broker's `ping` does.
        include_in_schema: show it in the AsyncAPI document.
        description: text for the document.
        tags: tags for the document.
        unique_id: operation id for the document.

    Raises:
        SetupError: there is nothing to ping, or the timeout is not a positive number.
    """
    return PingHandler(
        broker,
        timeout,
        include_in_schema=include_in_schema,
        description=DESCRIPTION if description is None else description,
        tags=tags,
        unique_id=unique_id,
    )


class PingHandler(HttpHandler):
    """The endpoint that `make_ping_asgi` makes.

    Args:
        target: a broker, a list of brokers, or an application with `brokers`.
        timeout: seconds; None for no limit.
        options: those of `HttpHandler`.
    """

    methods = ("GET", "HEAD")
    reads: Reads = "method"

    def __init__(self, target: Any, timeout: float | None, **options: Any) -> None:
        super().__init__(self.healthy, **options)
        if timeout is not None and not _is_positive(timeout):
            raise SetupError(
                f"make_ping_asgi(timeout={timeout!r}): the timeout is a positive number of "
                "seconds, or None to wait as long as the broker does"
            )
        self.timeout = timeout
        self.target = target
        self.brokers: Sequence[Any] | None = _fixed_brokers(target)
        fixed = self.brokers or ()
        self._only = fixed[0] if len(fixed) == 1 else None

    def attached_to(self, stream: Any) -> PingHandler:
        """The handler itself: it needs nothing of an application."""
        return self

    def response_to(self, scope: Scope, receive: Receive) -> Answer:
        """204 or 500; without an `await` where the broker knows at once."""
        method = scope["method"]
        if method != "GET" and method != "HEAD":
            return method_refusal(self.methods)
        healthy = self._check() if self._only is None else _ask(self._only, self.timeout)
        if isinstance(healthy, bool):
            return HEALTHY if healthy else UNHEALTHY
        return _response_of(healthy)

    async def healthy(self) -> bool:
        """Whether every broker answers in time."""
        healthy = self._check()
        return healthy if isinstance(healthy, bool) else await healthy

    def _check(self) -> bool | Awaitable[bool]:
        brokers = self.target.brokers if self.brokers is None else self.brokers
        if len(brokers) == 1:
            return _ask(brokers[0], self.timeout)
        if not brokers:
            ping_logger.error("Ping: %r has no broker", self.target)
            return False
        return self._check_all(brokers)

    async def _check_all(self, brokers: Sequence[Any]) -> bool:
        # each in one task from its first step: what a ping opens it has to close there
        answers = await asyncio.gather(*(_answer(broker, self.timeout) for broker in brokers))
        return all(answers)

    def __repr__(self) -> str:
        return f"PingHandler({self.target!r})"


def _ask(broker: Any, timeout: float | None) -> bool | Awaitable[bool]:
    """The answer, if the broker knows it without asking its server; else the asking."""
    known_health = getattr(broker, "known_health", None)
    known = known_health() if known_health is not None else None
    return known if isinstance(known, bool) else _wait(broker, timeout)


async def _response_of(healthy: Awaitable[bool]) -> AsgiResponse:
    return HEALTHY if await healthy else UNHEALTHY


async def _answer(broker: Any, timeout: float | None) -> bool:
    answer = _ask(broker, timeout)
    return answer if isinstance(answer, bool) else await answer


async def _wait(broker: Any, timeout: float | None) -> bool:
    try:
        return bool(await asyncio.wait_for(broker.ping(timeout), timeout))
    except asyncio.TimeoutError:
        name = type(broker).__name__
        ping_logger.warning("Ping: %s did not answer within %s s", name, timeout)
        return False
    except Exception as error:
        return _no_answer(broker, error)


def _no_answer(broker: Any, error: Exception) -> bool:
    name = type(broker).__name__
    ping_logger.error("Ping: %s failed: %r", name, error, exc_info=error)
    return False


def _is_positive(timeout: Any) -> bool:
    return isinstance(timeout, (int, float)) and not isinstance(timeout, bool) and timeout > 0


def _fixed_brokers(target: Any) -> Sequence[Any] | None:
    """The brokers to ping; None for an application, which may get more of them later."""
    if callable(getattr(target, "ping", None)):
        return [target]
    if isinstance(target, (list, tuple)):
        if target and all(callable(getattr(broker, "ping", None)) for broker in target):
            return list(target)
    elif hasattr(target, "brokers"):
        return None
    raise SetupError(
        f"make_ping_asgi({target!r}): pass a broker, a list of brokers or a FastStream "
        "application; a broker is anything with `async ping(timeout)`"
    )
