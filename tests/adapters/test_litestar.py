"""anystream in Litestar."""

from typing import Any

import httpx
import pytest
import websockets
from litestar import Litestar, Request, WebSocket, asgi, get, websocket
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.testing import AsyncTestClient

from anystream.core.exceptions import NotStarted, SetupError
from anystream.litestar import AnystreamPlugin, get_broker, setup
from tests.asgi_host_checks import AsgiHostChecks, echo
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker
from tests.serving import ServerFailed, serve

Http = Request[Any, Any, Any]
Socket = WebSocket[Any, Any, Any]


@get("/publish")
async def publish(request: Http) -> str:
    await get_broker(request).publish("http")
    return "published"


@get("/other")
async def other(request: Http) -> str:
    return get_broker(request, OtherBroker).name


@get("/taken")
async def taken() -> None: ...


@websocket("/ws")
async def socket(socket: Socket) -> None:
    await socket.accept()
    await get_broker(socket).publish("websocket")
    await socket.send_text("published")
    await socket.close()


@get("/{rest:path}")
async def rest(rest: FromPath[str]) -> str:
    return "catch-all"


def make(journal: list[str], **options: Any) -> Litestar:
    return Litestar(
        [publish, other, taken, socket, rest],
        on_startup=[lambda: journal.append("app.start")],
        on_shutdown=[lambda: journal.append("app.stop")],
        logging_config=None,  # Litestar's own takes the log away from pytest
        **options,
    )


class TestLitestar(AsgiHostChecks):
    """All that holds for every ASGI framework."""

    host = "litestar"
    knows_its_start = False
    setup = staticmethod(setup)
    make = staticmethod(make)


class TestPlugin:
    """The plugin does the same, and injects the broker."""

    async def test_injects_the_broker(self) -> None:
        """Handlers get the broker by name, HTTP and websocket; mounts are served."""
        broker = RecordingBroker()
        seen: list[Any] = []

        @get("/by-name")
        async def by_name(anystream: NamedDependency[RecordingBroker]) -> str:
            seen.append(anystream)
            return anystream.name

        @websocket("/by-name")
        async def by_socket(socket: Socket, anystream: NamedDependency[RecordingBroker]) -> None:
            await socket.accept()
            seen.append(anystream)
            await socket.send_text(anystream.name)
            await socket.close()

        plugin = AnystreamPlugin(broker, asgi_routes=[("/echo", echo)])
        app = Litestar(
            [by_name, by_socket],
            plugins=[plugin],
            on_startup=[lambda: broker.journal.append("app.start")],
            on_shutdown=[lambda: broker.journal.append("app.stop")],
        )
        async with serve(app) as address, httpx.AsyncClient() as client:
            assert (await client.get(f"http://{address}/by-name")).text == "broker"
            assert (await client.get(f"http://{address}/echo/x")).json()["root_path"] == "/echo"
            async with websockets.connect(f"ws://{address}/by-name") as ws:
                assert await ws.recv() == "broker"
        assert seen == [broker, broker]
        assert broker.journal == ["app.start", "broker.start", "broker.stop", "app.stop"]

    async def test_own_dependency_and_other_key(self) -> None:
        """A dependency of the user's by the same name wins; the name can be chosen."""

        @get("/by-name")
        async def by_name(queue: NamedDependency[RecordingBroker]) -> str:
            return queue.name

        plugin = AnystreamPlugin(RecordingBroker(), dependency_key="queue")
        app = Litestar([by_name], plugins=[plugin])
        async with AsyncTestClient(app) as client:
            assert (await client.get("/by-name")).text == "broker"

    async def test_failed_start(self, caplog: pytest.LogCaptureFixture) -> None:
        """A broker that cannot start fails the application, which is shut down."""
        broker = RecordingBroker(fail={"start": BrokerDown("no server")})
        app = make(broker.journal, plugins=[AnystreamPlugin(broker)])
        with pytest.raises(ServerFailed):
            async with serve(app):
                pass
        assert "no server" in caplog.text
        assert broker.journal == ["app.start", "broker.start", "broker.stop", "app.stop"]

    async def test_taken_path(self, caplog: pytest.LogCaptureFixture) -> None:
        """A path taken by the application's own route fails the start with that reason."""
        app = make([], plugins=[AnystreamPlugin(RecordingBroker(), asgi_routes=[("/taken", echo)])])
        with pytest.raises(ServerFailed):
            async with serve(app):
                pass
        assert "'/taken' is taken by a route" in caplog.text

    def test_twice(self) -> None:
        """Plugin and setup, or two plugins, are one too many."""
        app = Litestar([], plugins=[AnystreamPlugin(RecordingBroker())])
        with pytest.raises(SetupError, match="called twice"):
            setup(app, RecordingBroker())

    async def test_not_started(self) -> None:
        """Without a lifespan the dependency says why there is no broker."""
        app = make([], plugins=[AnystreamPlugin(RecordingBroker())])
        with pytest.raises(NotStarted, match="never started"):
            get_broker(app)


async def test_mounted_litestar_application_gets_the_broker() -> None:
    """In a sub-application the outer one's broker is found."""
    sub = Litestar([publish])

    @asgi("/sub", is_mount=True, copy_scope=False)
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await sub(scope, receive, send)

    app = Litestar([mounted])
    setup(app, RecordingBroker())
    async with serve(app) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/sub/publish")).text == "published"


async def test_subclass_stays_what_it_is() -> None:
    """The application keeps its class, its name and its attributes."""

    class Mine(Litestar):
        pass

    app = Mine([])
    app.colour = "red"  # type: ignore[attr-defined]
    setup(app, RecordingBroker())
    assert isinstance(app, Mine)
    assert type(app).__name__ == "Mine"
    assert app.colour == "red"  # type: ignore[attr-defined]
