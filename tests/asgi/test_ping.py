"""The health endpoint, over real sockets and with brokers that misbehave."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from anystream.asgi import AsgiFastStream, make_ping_asgi
from anystream.core.exceptions import SetupError
from anystream.memory import MemoryBroker
from tests.asgi.uvicorn_server import served
from tests.recording_broker import BrokerDown, RecordingBroker, RecordingStream


class PingingBroker(RecordingBroker):
    """A broker whose ping raises or hangs like any other of its methods."""

    async def ping(self, timeout: float | None = None) -> bool:
        await self._called("ping")
        return self.alive


async def ask(endpoint: Any, method: str = "GET") -> httpx.Response:
    """One request to an endpoint mounted in FastAPI, whose brokers nobody starts."""
    app = FastAPI()
    app.mount("/health", endpoint)
    async with served(app) as client:
        return await client.request(method, "/health/")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("alive", "status"), [(True, 204), (False, 500)])
async def test_answer_follows_the_broker(method: str, alive: bool, status: int) -> None:
    """204 or 500, both empty."""
    answer = await ask(make_ping_asgi(PingingBroker(alive=alive)), method)
    assert (answer.status_code, answer.content) == (status, b"")


async def test_other_methods_are_refused() -> None:
    """405 names the methods that are allowed."""
    answer = await ask(make_ping_asgi(PingingBroker()), "POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_broker_that_was_never_started() -> None:
    """A broker that is not connected is not healthy."""
    assert (await ask(make_ping_asgi(MemoryBroker()))).status_code == 500


async def test_embedded_broker_while_it_runs() -> None:
    """In an application the broker is up when the first request comes."""
    broker = MemoryBroker()
    app = AsgiFastStream(broker, asgi_routes=[("/ping", make_ping_asgi(broker))])
    async with served(app) as client:
        assert (await client.get("/ping")).status_code == 204
        await broker.stop()
        assert (await client.get("/ping")).status_code == 500


async def test_ping_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is a 500 and a line in the log with the traceback."""
    broker = PingingBroker(fail={"ping": BrokerDown("no route")})
    assert (await ask(make_ping_asgi(broker))).status_code == 500
    [record] = [record for record in caplog.records if record.name == "anystream.asgi.ping"]
    assert "PingingBroker failed: BrokerDown('no route')" in record.getMessage()
    assert record.exc_info


async def test_ping_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    """The answer comes when the time is up, and the log says so."""
    broker = PingingBroker(hang=("ping",))
    answer = await asyncio.wait_for(ask(make_ping_asgi(broker, timeout=0.05)), 5)
    assert answer.status_code == 500
    assert "PingingBroker did not answer within 0.05 s" in caplog.text


@pytest.mark.parametrize(("second", "status"), [(True, 204), (False, 500)])
async def test_several_brokers(second: bool, status: int) -> None:
    """All of them have to answer, in a list or in an application."""
    brokers = [PingingBroker("one"), PingingBroker("two", alive=second)]
    assert (await ask(make_ping_asgi(brokers))).status_code == status
    assert (await ask(make_ping_asgi(RecordingStream(*brokers)))).status_code == status


async def test_brokers_added_later() -> None:
    """An application's brokers are looked up at the request; with none it is not healthy."""
    stream = RecordingStream(journal=[])
    endpoint = make_ping_asgi(stream)
    assert (await ask(endpoint)).status_code == 500
    stream.brokers.append(PingingBroker())
    assert (await ask(endpoint)).status_code == 204


async def test_broker_of_faststream() -> None:
    """Anything with `ping(timeout)` will do; an unconnected one of FastStream's says no."""
    nats = pytest.importorskip("faststream.nats")
    assert (await ask(make_ping_asgi(nats.NatsBroker(), timeout=0.05))).status_code == 500


@pytest.mark.parametrize("target", [None, "nats://localhost", [], [object()], object()])
def test_nothing_to_ping(target: Any) -> None:
    """What is no broker is refused when the endpoint is made."""
    with pytest.raises(SetupError, match=r"async ping\(timeout\)"):
        make_ping_asgi(target)


@pytest.mark.parametrize("timeout", [0, -1.0, "5", True])
def test_timeout_that_is_none(timeout: Any) -> None:
    """A timeout is a positive number of seconds."""
    with pytest.raises(SetupError, match="positive number of seconds"):
        make_ping_asgi(PingingBroker(), timeout=timeout)


def test_what_the_document_shows() -> None:
    """Options for the document are kept; there is a description without any."""
    shown = make_ping_asgi(PingingBroker(), unique_id="p", tags=["t"], include_in_schema=False)
    assert (shown.unique_id, shown.tags, shown.include_in_schema) == ("p", ["t"], False)
    assert shown.description
    assert make_ping_asgi(PingingBroker(), description="D").description == "D"
