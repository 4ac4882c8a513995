"""anystream in Quart."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Blueprint, Quart, current_app, websocket

from anystream.core.exceptions import NotStarted
from anystream.quart import Anystream, get_broker, setup
from tests.asgi_host_checks import AsgiHostChecks, echo
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker


def make(journal: list[str]) -> Quart:
    app = Quart("shop")
    blueprint = Blueprint("orders", __name__)

    @app.before_serving
    async def start() -> None:
        journal.append("app.start")

    @app.after_serving
    async def stop() -> None:
        journal.append("app.stop")

    @blueprint.get("/publish")
    async def publish() -> str:
        await get_broker().publish("http")
        return "published"

    @app.get("/other")
    async def other() -> str:
        return get_broker(kind=OtherBroker).name

    @app.get("/taken")
    async def taken() -> str:
        return ""

    @blueprint.websocket("/ws")
    async def socket() -> None:
        await websocket.accept()
        await get_broker().publish("websocket")
        await websocket.send("published")

    @app.get("/<path:rest>")
    async def rest(rest: str) -> str:
        return "catch-all"

    app.register_blueprint(blueprint)
    return app


class TestQuart(AsgiHostChecks):
    """All that holds for every ASGI framework, on Quart's own server too."""

    host = "quart"
    servers = ("uvicorn", "hypercorn")
    setup = staticmethod(setup)
    make = staticmethod(make)


async def test_extension() -> None:
    """`init_app` does what `setup` does; the hosted stream is among the extensions."""
    broker = RecordingBroker()
    extension = Anystream(broker, asgi_routes=[("/echo", echo)])
    app = make(broker.journal)
    hosted = extension.init_app(app)
    async with app.test_app():
        assert (await app.test_client().get("/echo")).status_code == 201
        async with app.app_context():
            assert extension.broker is broker
            assert current_app.extensions["anystream"] is hosted
        assert get_broker(app) is broker
    assert broker.journal == ["app.start", "broker.start", "broker.stop", "app.stop"]


async def test_extension_with_application() -> None:
    """The extension may get the application at once."""
    app = make([])
    Anystream(RecordingBroker(), app)
    assert "anystream" in app.extensions


async def test_while_serving_runs_outside_the_brokers() -> None:
    """Generators of the user's start before the brokers and end after them."""
    journal: list[str] = []
    app = make(journal)

    @app.while_serving
    async def resources() -> Any:
        journal.append("open")
        yield
        journal.append("close")

    setup(app, RecordingBroker(journal=journal))
    async with app.test_app():
        pass
    assert journal[1:5] == ["open", "broker.start", "broker.stop", "close"]


async def test_test_app_shows_the_reason() -> None:
    """Quart's test app fails with the text of the broker's error."""
    app = make([])
    setup(app, RecordingBroker(fail={"start": BrokerDown("no server")}))
    with pytest.raises(Exception, match="no server"):
        async with app.test_app():
            pass


async def test_without_setup() -> None:
    """Asking for a broker that was never set up says what to call."""
    with pytest.raises(NotStarted, match=r"call `anystream\.quart\.setup"):
        get_broker(Quart("bare"))
