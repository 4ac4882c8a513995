"""anystream in Falcon."""

from __future__ import annotations

from typing import Any

import falcon
import falcon.asgi
import falcon.testing
import pytest

from anystream.asgi.hosting import Hosted
from anystream.core.exceptions import NotStarted, SetupError
from anystream.falcon import get_broker, setup
from tests.asgi_host_checks import AsgiHostChecks
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker


class Publish:
    async def on_get(self, req: Any, resp: Any) -> None:
        await req.context.anystream.broker.publish("http")
        assert get_broker(req) is req.context.anystream.broker
        resp.text = "published"

    async def on_websocket(self, req: Any, ws: Any) -> None:
        await ws.accept()
        await get_broker(req).publish("websocket")
        assert isinstance(req.context.anystream, Hosted)
        await ws.send_text("published")
        await ws.close()


class Other:
    async def on_get(self, req: Any, resp: Any) -> None:
        resp.text = get_broker(req, OtherBroker).name


class Hooks:
    def __init__(self, journal: list[str]) -> None:
        self.journal = journal

    async def process_startup(self, scope: Any, event: Any) -> None:
        self.journal.append("app.start")

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        self.journal.append("app.stop")


async def rest(req: Any, resp: Any, **_: Any) -> None:
    resp.text = "catch-all"


def make(journal: list[str]) -> Any:
    app: Any = falcon.asgi.App(middleware=[Hooks(journal)])
    for path, resource in (("/publish", Publish()), ("/ws", Publish()), ("/other", Other())):
        app.add_route(path, resource)
    app.add_route("/taken", Other())
    app.add_sink(rest)
    return app


class TestFalcon(AsgiHostChecks):
    """All that holds for every ASGI framework."""

    host = "falcon"
    knows_its_start = False
    setup = staticmethod(setup)
    make = staticmethod(make)


def test_wsgi_application_is_refused() -> None:
    """A WSGI application cannot host a broker, and is told so at once."""
    with pytest.raises(SetupError, match=r"needs a falcon\.asgi\.app\.App first"):
        setup(falcon.App(), RecordingBroker())


async def test_later_middleware_runs_outside_the_brokers() -> None:
    """A middleware added after setup starts before the brokers all the same."""
    broker = RecordingBroker()
    app: Any = falcon.asgi.App()
    setup(app, broker)
    app.add_middleware(Hooks(broker.journal))
    async with falcon.testing.TestClient(app):
        pass
    assert broker.journal == ["app.start", "broker.start", "broker.stop", "app.stop"]


async def test_test_client() -> None:
    """Falcon's own test client runs the brokers, and shows why they do not start."""
    broker = RecordingBroker()
    app = make(broker.journal)
    setup(app, broker)
    async with falcon.testing.TestClient(app) as client:
        assert (await client.simulate_get("/publish")).text == "published"
    broken = make([])
    setup(broken, RecordingBroker(fail={"start": BrokerDown("no server")}))
    with pytest.raises(RuntimeError, match="no server"):
        async with falcon.testing.TestClient(broken):
            pass


def test_subclass_and_second_application() -> None:
    """A subclass stays one, and applications do not share what is hosted."""

    class Mine(falcon.asgi.App):  # type: ignore[type-arg]
        pass

    one, two = Mine(), Mine()
    setup(one, RecordingBroker())
    setup(two, RecordingBroker())
    assert isinstance(one, Mine)
    with pytest.raises(NotStarted, match=r"call `anystream\.falcon\.setup"):
        get_broker(Mine())
