"""Health endpoints for orchestrators: live, ready, started; each with the details as JSON.

| | 200 while | 503 else |
|---|---|---|
| liveness | the process can go on by itself; also while a broker reconnects | restart it |
| readiness | every critical broker answers and all its subscribers can receive | send nothing |
| startup | every critical broker has started, once and for all | wait |
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Literal

from anystream.asgi.handlers import HttpHandler
from anystream.asgi.response import AsgiResponse
from anystream.asgi.types import ASGIApp, Receive, Scope
from anystream.asgi.watched import Watched, watched_brokers
from anystream.core.exceptions import SetupError

Probe = Literal["liveness", "readiness", "startup"]
Check = Callable[[], Any]

HEADERS = {"content-type": "application/json", "cache-control": "no-store"}

health_logger = logging.getLogger("anystream.asgi.health")


@dataclass(frozen=True)
class HealthCheck:
    """A check of your own beside the brokers.

    Args:
        call: coroutine function without arguments, or a plain one that does not block; fails by
            raising or by returning False.
        timeout: seconds it may take.
        critical: False shows a failure in the details only.
    """

    call: Check
    timeout: float = 5.0
    critical: bool = True


Checks = Mapping[str, "Check | HealthCheck"]


def make_liveness_asgi(
    target: Any,
    /,
    *,
    checks: Checks | None = None,
    non_critical: Sequence[Any] = (),
    details: bool = True,
    include_in_schema: bool = True,
) -> HealthHandler:
    """Makes an endpoint that answers 200 unless the process has to be started again.

    A broker that reconnects, or has not started yet, is live. One whose client has given the
    connection up is not.

    Args:
        target: a broker, a list of brokers, a mapping of names to brokers, or an application.
        checks: names and coroutine functions (or `HealthCheck` with a timeout of its own).
        non_critical: brokers, or their names, that change only the details.
        details: False answers with the status alone.
        include_in_schema: show it in the AsyncAPI document.

    Raises:
        SetupError: there is nothing to watch, or a check is none.
    """
    description = "Answers 200 unless the process has to be started again, then 503."
    return HealthHandler(
        "liveness", target, None, checks, non_critical, details, include_in_schema, description
    )


def make_readiness_asgi(
    target: Any,
    /,
    timeout: float | None = 5.0,
    *,
    checks: Checks | None = None,
    non_critical: Sequence[Any] = (),
    details: bool = True,
    include_in_schema: bool = True,
) -> HealthHandler:
    """Makes an endpoint that answers 200 while every critical broker answers its ping and every
    subscriber of it can receive.

    Args:
        target: see `make_liveness_asgi`; so are the others.
        timeout: seconds that one broker may take to answer; None for no limit.
    """
    description = "Answers 200 while messages can be sent and received, otherwise 503."
    return HealthHandler(
        "readiness", target, timeout, checks, non_critical, details, include_in_schema, description
    )


def make_startup_asgi(
    target: Any,
    /,
    *,
    checks: Checks | None = None,
    non_critical: Sequence[Any] = (),
    details: bool = True,
    include_in_schema: bool = True,
) -> HealthHandler:
    """Makes an endpoint that answers 200 once every critical broker has started, from then on
    whatever happens.

    Args:
        target: see `make_liveness_asgi`; so are the others.
    """
    description = "Answers 200 once everything has started, 503 before."
    return HealthHandler(
        "startup", target, None, checks, non_critical, details, include_in_schema, description
    )


class HealthHandler(HttpHandler):
    """What the three functions make.

    Args:
        probe: which of the three questions it answers.
        target: what is watched.
        timeout: seconds for a ping.
        checks: further checks.
        non_critical: brokers or names.
        details: whether the body says more than the status.
        include_in_schema: show it in the AsyncAPI document.
        description: for that document.
    """

    methods = ("GET", "HEAD")

    def __init__(
        self,
        probe: Probe,
        target: Any,
        timeout: float | None,
        checks: Checks | None,
        non_critical: Sequence[Any],
        details: bool,
        include_in_schema: bool,
        description: str,
    ) -> None:
        super().__init__(self.report, include_in_schema=include_in_schema, description=description)
        self.reads = "method"
        self.probe = probe
        self.target = target
        self.timeout = timeout
        self.details = details
        self.non_critical = tuple(non_critical)
        self.checks = {name: _check(name, call) for name, call in (checks or {}).items()}
        self._started: set[str] = set()
        if not hasattr(target, "brokers"):
            watched_brokers(target, self.non_critical)  # says now what is wrong with it

    def attached_to(self, stream: Any) -> HealthHandler:
        """The handler itself: it needs nothing of an application."""
        return self

    async def _respond(self, scope: Scope, receive: Receive) -> ASGIApp | None:
        report = await self.report()
        good = report["status"] != "unavailable"
        body = report if self.details else {"status": report["status"]}
        return AsgiResponse(json.dumps(body).encode(), 200 if good else 503, HEADERS)

    async def report(self) -> dict[str, Any]:
        """The details: `status` is ok, degraded (something that is not critical fails) or
        unavailable."""
        watched = watched_brokers(self.target, self.non_critical)
        brokers, checks = await asyncio.gather(
            asyncio.gather(*(self._broker(each) for each in watched)),
            asyncio.gather(*(self._run(name, check) for name, check in self.checks.items())),
        )
        parts = [*brokers, *checks]
        bad = [part for part in parts if part["status"] != "ok"]
        status = "ok"
        if any(part["critical"] for part in bad) or not watched:
            status = "unavailable"
        elif bad:
            status = "degraded"
        return {
            "status": status,
            "brokers": brokers,
            "checks": dict(zip(self.checks, checks, strict=True)),
        }

    async def _broker(self, watched: Watched) -> dict[str, Any]:
        if self.probe == "liveness":
            good = not watched.given_up
        elif self.probe == "startup":
            good = watched.name in self._started or await watched.has_started()
            if good:
                self._started.add(watched.name)  # it stays so, whatever happens
        else:
            good = await watched.answers(self.timeout)
        return {
            "name": watched.name,
            "status": "ok" if good else "failed",
            "critical": watched.critical,
            "connected": watched.connected,
            "subscribers": watched.subscribers(),
        }

    async def _run(self, name: str, check: HealthCheck) -> dict[str, Any]:
        # in a task: it may be deaf to cancellation, or end with one that is not ours
        task = asyncio.ensure_future(_ask(check.call))
        try:
            await asyncio.wait({task}, timeout=check.timeout)
            problem = _problem(name, task) if task.done() else f"no answer within {check.timeout} s"
        finally:
            task.cancel()
        told = {"error": problem} if problem else {}
        return {"status": "failed" if problem else "ok", "critical": check.critical, **told}

    def __repr__(self) -> str:
        return f"<{self.probe} of {self.target!r}>"


async def _ask(call: Callable[[], Any]) -> Any:
    answer = call()
    return await answer if isawaitable(answer) else answer


def _problem(name: str, task: asyncio.Future[Any]) -> str:
    """How a check has failed; empty if it has not."""
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is None:
        return "it says False" if task.result() is False else ""
    health_logger.warning("Health check %r failed: %r", name, error)
    return type(error).__name__  # its text may be nobody's business


def _check(name: str, given: Check | HealthCheck) -> HealthCheck:
    check = given if isinstance(given, HealthCheck) else HealthCheck(given)
    if not callable(check.call) or check.timeout <= 0:
        raise SetupError(
            f"the health check {name!r} is {given!r}: give a coroutine function without "
            "arguments, or HealthCheck(call, timeout=seconds)"
        )
    return check
