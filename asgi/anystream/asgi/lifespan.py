"""Between an ASGI server and an application: starts and stops what is hosted in it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from functools import partial
from typing import Any, Protocol

from anystream.asgi.hosting import SCOPE_KEY, Hosted
from anystream.asgi.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("anystream.hosting")


class Startable(Protocol):
    """What is started and stopped with the host; `Hosted` is one."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def host_asgi(app: ASGIApp, hosted: Hosted) -> ASGIApp:
    """An ASGI application around another one, which starts, stops and serves what is hosted.

    Args:
        app: the host application.
        hosted: what lives in it.
    """

    async def hosting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await with_lifespan(app, hosted, scope, receive, send)
        elif not await hosted.dispatch(scope, receive, send):
            await app({**scope, SCOPE_KEY: hosted}, receive, send)

    return hosting


def host_instance(app: Any, hosted: Hosted) -> None:
    """Does what `host_asgi` does to an application object in place.

    A server looks `__call__` up on the type, so the object gets a type of its own.

    Args:
        app: an application of a class whose `__call__` is ASGI.
        hosted: what lives in it.
    """
    base = type(app)
    hosting = host_asgi(partial(base.__call__, app), hosted)

    async def __call__(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        await hosting(scope, receive, send)

    names = {name: getattr(base, name) for name in ("__module__", "__qualname__", "__doc__")}
    app.__class__ = type(base.__name__, (base,), {**names, "__slots__": (), "__call__": __call__})


async def with_lifespan(
    app: ASGIApp, hosted: Startable, scope: Scope, receive: Receive, send: Send
) -> None:
    """Runs the lifespan of an application, with something hosted in it.

    What is hosted starts when the application said `startup.complete`, before the server hears
    of it, and stops when the server says `shutdown`, before the application hears of it. If it
    cannot start, the application is shut down, the server gets `startup.failed` with the
    traceback, and the error is raised. An application without a lifespan is answered for.

    Nothing is waited for once `startup.failed` is said: hypercorn looks at once whether the
    lifespan has ended, and serves if it has not.

    Args:
        app: the host application.
        hosted: what lives in it.
        scope, receive, send: those of the lifespan, from the server.

    Raises:
        Exception: what the application or the start of what is hosted raised.
    """
    talk = _Conversation(hosted, receive, send)
    try:
        try:
            await app(scope, talk.receive, talk.send)
        except Exception as error:
            await talk.host_raised(error)
        await talk.host_left()
    finally:
        if not talk.failed:
            await hosted.stop()


def traceback_of(error: BaseException) -> str:
    """The traceback as a text, for `lifespan.startup.failed`."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


class _Conversation:
    """What was said so far between the server and the host application."""

    def __init__(self, hosted: Startable, receive: Receive, send: Send) -> None:
        self.hosted = hosted
        self._receive = receive
        self._send = send
        self.asked_to_start = False
        self.asked_to_stop = False
        self.up = False
        self.over = False
        self.failed = False
        self.failure: BaseException | None = None

    async def receive(self) -> Message:
        if self.failure is not None:
            return {"type": "lifespan.shutdown"}
        message = await self._receive()
        if message["type"] == "lifespan.startup":
            self.asked_to_start = True
        elif message["type"] == "lifespan.shutdown":
            self.asked_to_stop = True
            await self.hosted.stop()
        return message

    async def send(self, message: Message) -> None:
        if self.failure is not None:
            return
        if message["type"] == "lifespan.startup.complete":
            await self._start_hosted(message)
        elif message["type"] == "lifespan.startup.failed":
            await self._say_failed(message)
        else:
            self.over = True
            await self._send(message)

    async def host_raised(self, error: Exception) -> None:
        if self.failure is not None:
            logger.error("The application failed to shut down", exc_info=error)
        elif self.up or self.over:
            raise error
        elif self.asked_to_start:
            await self._fail(error)
        else:
            logger.debug("The application has no lifespan: %r", error)

    async def host_left(self) -> None:
        """Says for the host what it did not say."""
        if self.failure is not None:
            await self._fail(self.failure)
        if self.over:
            return
        if not self.asked_to_start:
            await self.receive()
        if not self.up:
            await self._start_hosted({"type": "lifespan.startup.complete"})
            if self.failure is not None:
                await self._fail(self.failure)
        if not self.asked_to_stop:
            await self.receive()
        await self._send({"type": "lifespan.shutdown.complete"})

    async def _start_hosted(self, message: Message) -> None:
        try:
            await self.hosted.start()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failure = error
            return
        self.up = True
        await self._send(message)

    async def _fail(self, error: BaseException) -> None:
        await self._say_failed({"type": "lifespan.startup.failed", "message": traceback_of(error)})
        raise error

    async def _say_failed(self, message: Message) -> None:
        await self.hosted.stop()
        self.over = self.failed = True
        await self._send(message)
