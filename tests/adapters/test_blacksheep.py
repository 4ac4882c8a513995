"""anystream in BlackSheep."""

from typing import Any

import httpx
import pytest
from blacksheep import Application, Request, Router, WebSocket
from blacksheep.testing import TestClient

from anystream.asgi.hosting import Hosted
from anystream.blacksheep import get_broker, setup, use_anystream
from tests.asgi_host_checks import AsgiHostChecks
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker, RecordingStream
from tests.serving import ServerFailed, serve


def make(journal: list[str]) -> Application:
    app = Application(router=Router())

    async def start(_: Application) -> None:
        journal.append("app.start")

    async def stop(_: Application) -> None:
        journal.append("app.stop")

    app.on_start += start
    app.on_stop += stop

    @app.router.get("/publish")
    async def publish(request: Request) -> str:
        await get_broker(request).publish("http")
        return "published"

    @app.router.get("/other")
    async def other(request: Request) -> str:
        return get_broker(request, OtherBroker).name

    @app.router.get("/taken")
    async def taken() -> str:
        return ""

    @app.router.ws("/ws")
    async def socket(ws: WebSocket) -> None:
        await ws.accept()
        await get_broker(ws).publish("websocket")
        await ws.send_text("published")
        await ws.close()

    @app.router.get("*")
    async def rest() -> str:
        return "catch-all"

    return app


class TestBlackSheep(AsgiHostChecks):
    """All that holds for every ASGI framework."""

    host = "blacksheep"
    setup = staticmethod(setup)
    make = staticmethod(make)


async def test_injection_by_type() -> None:
    """Handlers get brokers by their type, HTTP and websocket."""
    one, two = RecordingBroker("one"), OtherBroker("two")
    app = Application(router=Router())
    hosted = use_anystream(app, RecordingStream(one, two))
    seen: list[Any] = []

    @app.router.get("/both")
    async def both(first: RecordingBroker, second: OtherBroker, all_of_it: Hosted) -> str:
        seen.extend([first, second, all_of_it])
        return "ok"

    async with serve(app) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/both")).text == "ok"
    assert seen == [one, two, hosted]


async def test_child_application_gets_the_broker() -> None:
    """In a BlackSheep application mounted before or after, the outer one's broker is found."""
    for late in (False, True):
        broker = RecordingBroker()
        child = Application(router=Router())

        @child.router.get("/publish")
        async def publish(request: Request) -> str:
            await get_broker(request).publish("http")
            return "published"

        app = make(broker.journal)
        if not late:
            app.mount("/sub", child)
        setup(app, broker)
        if late:
            app.mount("/sub", child)
        async with serve(app) as address, httpx.AsyncClient() as client:
            assert (await client.get(f"http://{address}/sub/publish")).text == "published"
        expected = ["app.start", "broker.start", "broker.publish http", "broker.stop", "app.stop"]
        assert broker.journal == expected


async def test_started_by_hand() -> None:
    """`await app.start()`, which BlackSheep's test client asks for, starts the brokers."""
    broker = RecordingBroker()
    app = make(broker.journal)
    setup(app, broker)
    await app.start()
    await app.start()
    answer = await TestClient(app).get("/publish")
    assert await answer.text() == "published"
    await app.stop()
    expected = ["app.start", "broker.start", "broker.publish http", "broker.stop", "app.stop"]
    assert broker.journal == expected


async def test_failed_start_can_be_repeated() -> None:
    """After a failed start the application starts again, once the broker is there."""
    broker = RecordingBroker(fail={"start": BrokerDown()})
    app = make(broker.journal)
    setup(app, broker)
    with pytest.raises(BrokerDown):
        await app.start()
    broker.fail.clear()
    await app.start()
    assert app.started
    await app.stop()


async def test_failing_hook_of_the_user(caplog: pytest.LogCaptureFixture) -> None:
    """A user's hook that fails keeps the brokers from starting, and the server shows it."""
    broker = RecordingBroker()
    app = make(broker.journal)

    async def fail(_: Application) -> None:
        raise RuntimeError("no database")

    app.on_start += fail
    setup(app, broker)
    with pytest.raises(ServerFailed):
        async with serve(app):
            pass
    assert "no database" in caplog.text
    assert "broker.start" not in broker.journal


async def test_failing_stop_hook_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """An error of a stop hook, which BlackSheep loses, is logged; the brokers have stopped."""
    broker = RecordingBroker()
    app = make(broker.journal)

    async def fail(_: Application) -> None:
        raise RuntimeError("cannot flush")

    app.on_stop += fail
    setup(app, broker)
    async with serve(app):
        pass
    assert "cannot flush" in caplog.text
    assert "broker.stop" in broker.journal
