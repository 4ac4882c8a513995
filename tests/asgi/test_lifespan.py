"""What is hosted starts after the application and stops before it, whatever happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anystream.asgi.lifespan import with_lifespan
from tests.recording_broker import BrokerDown

STARTUP = {"type": "lifespan.startup"}
SHUTDOWN = {"type": "lifespan.shutdown"}
COMPLETE = {"type": "lifespan.startup.complete"}
OVER = {"type": "lifespan.shutdown.complete"}


class Guest:
    """Something hosted, which writes down what happens to it."""

    def __init__(self, journal: list[str], error: BaseException | None = None) -> None:
        self.journal = journal
        self.error = error
        self.up = False

    async def start(self) -> None:
        self.journal.append("guest.start")
        if self.error is not None:
            raise self.error
        self.up = True

    async def stop(self) -> None:
        if self.up:
            self.journal.append("guest.stop")
        self.up = False


class Server:
    """The server's side of a lifespan."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.sent: list[Any] = []
        self.started = asyncio.Event()

    async def receive(self) -> Any:
        return await self.inbox.get()

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.journal.append(message["type"].removeprefix("lifespan."))
        if message["type"].startswith("lifespan.startup"):
            self.started.set()


def run(app: Any, server: Server, guest: Guest) -> asyncio.Task[None]:
    scope = {"type": "lifespan"}
    return asyncio.create_task(with_lifespan(app, guest, scope, server.receive, server.send))


async def whole(app: Any, error: BaseException | None = None) -> tuple[list[str], Server]:
    """A start, and if that worked a stop."""
    journal: list[str] = []
    server, guest = Server(journal), Guest(journal, error)
    task = run(app(journal), server, guest)
    server.inbox.put_nowait(STARTUP)
    waiting = asyncio.create_task(server.started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    server.inbox.put_nowait(SHUTDOWN)
    try:
        await task
    except Exception as raised:
        journal.append(f"raised {type(raised).__name__}")
    assert not guest.up
    return journal, server


def usual(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == STARTUP
        journal.append("app.start")
        await send(COMPLETE)
        assert await receive() == SHUTDOWN
        journal.append("app.stop")
        await send(OVER)

    return app


def without_lifespan(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise TypeError("http only")

    return app


def returning(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return None

    return app


def silent(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    return app


def leaving_early(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(COMPLETE)

    return app


def not_saying_goodbye(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(COMPLETE)
        await receive()

    return app


def failing(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise OSError("port is taken")

    return app


def reporting_failure(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    return app


def failing_to_stop(journal: list[str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(COMPLETE)
        await receive()
        raise OSError("cannot close")

    return app


async def test_order() -> None:
    """Application, guest, server; and then guest, application."""
    journal, _ = await whole(usual)
    assert journal == [
        "app.start",
        "guest.start",
        "startup.complete",
        "guest.stop",
        "app.stop",
        "shutdown.complete",
    ]


async def test_failed_start_shuts_the_application_down() -> None:
    """The server gets the traceback, the application its shutdown, the caller the error."""
    journal, server = await whole(usual, BrokerDown("no server at 127.0.0.1"))
    assert journal == [
        "app.start",
        "guest.start",
        "app.stop",
        "startup.failed",
        "raised BrokerDown",
    ]
    assert "Traceback" in server.sent[0]["message"]
    assert "no server at 127.0.0.1" in server.sent[0]["message"]


async def test_failed_start_and_failing_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    """An application that fails to shut down does not mask why it had to."""
    journal, server = await whole(failing_to_stop, BrokerDown("first"))
    assert journal == ["guest.start", "startup.failed", "raised BrokerDown"]
    assert "first" in server.sent[0]["message"]
    assert "cannot close" in caplog.text


@pytest.mark.parametrize(
    "app", [without_lifespan, returning, silent, leaving_early, not_saying_goodbye]
)
async def test_what_the_application_does_not_say(app: Any) -> None:
    """An application without a lifespan, or with half of one, is answered for."""
    journal, _ = await whole(app)
    assert journal == ["guest.start", "startup.complete", "guest.stop", "shutdown.complete"]


@pytest.mark.parametrize("app", [without_lifespan, returning, silent])
async def test_failed_start_without_lifespan(app: Any) -> None:
    """Without a lifespan of the application a failed start is told all the same."""
    journal, server = await whole(app, BrokerDown("gone"))
    assert journal == ["guest.start", "startup.failed", "raised BrokerDown"]
    assert "gone" in server.sent[0]["message"]


async def test_application_that_raises_at_the_start() -> None:
    """An application that raises instead of saying `failed` has failed."""
    journal, server = await whole(failing)
    assert journal == ["startup.failed", "raised OSError"]
    assert "port is taken" in server.sent[0]["message"]


async def test_application_that_says_failed() -> None:
    """Where the application fails nothing is started, and its message goes through."""
    journal, server = await whole(reporting_failure)
    assert journal == ["startup.failed"]
    assert server.sent[0]["message"] == "no database"


async def test_application_that_fails_to_stop() -> None:
    """What is hosted has stopped before; the error goes to the server as it would without us."""
    journal, _ = await whole(failing_to_stop)
    assert journal == ["guest.start", "startup.complete", "guest.stop", "raised OSError"]


async def test_cancelled_lifespan() -> None:
    """A server that just cancels the lifespan does not leave the guest running."""
    journal: list[str] = []
    server, guest = Server(journal), Guest(journal)
    task = run(usual(journal), server, guest)
    server.inbox.put_nowait(STARTUP)
    await server.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal == ["app.start", "guest.start", "startup.complete", "guest.stop"]
