"""Live, ready, started: three questions of an orchestrator, with the details."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from anystream.asgi import (
    AsgiFastStream,
    HealthCheck,
    make_liveness_asgi,
    make_readiness_asgi,
    make_startup_asgi,
)
from anystream.core import FastStream
from anystream.core.exceptions import SetupError
from anystream.memory import MemoryBroker
from anystream.nats import NatsBroker
from tests.asgi.uvicorn_server import served
from tests.recording_broker import RecordingBroker

DOWN = "nats://127.0.0.1:9"


async def ask(endpoint: Any, method: str = "GET") -> httpx.Response:
    """One request to an endpoint mounted in FastAPI, whose brokers nobody starts."""
    app = FastAPI()
    app.mount("/health", endpoint)
    async with served(app) as client:
        return await client.request(method, "/health/")


async def test_three_answers_over_a_life() -> None:
    """Not started: live only. Running: all three. Stopped again: live and started."""
    broker = MemoryBroker(logger=None)
    routes = [
        ("/live", make_liveness_asgi(broker)),
        ("/ready", make_readiness_asgi(broker)),
        ("/started", make_startup_asgi(broker)),
    ]

    async def states(client: httpx.AsyncClient) -> list[int]:
        return [(await client.get(f"{path}/")).status_code for path, _ in routes]

    app = FastAPI()
    for path, endpoint in routes:
        app.mount(path, endpoint)
    async with served(app) as client:
        assert await states(client) == [200, 503, 503]
        await broker.start()
        assert await states(client) == [200, 200, 200]
        await broker.stop()
        assert await states(client) == [200, 503, 200]


async def test_details() -> None:
    """Each broker and each of its subscribers is there, with the age of its last message."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("orders")
    async def handle(body: str) -> str:
        return body

    app = AsgiFastStream(broker, asgi_routes=[("/ready", make_readiness_asgi(broker))])
    async with served(app) as client:
        answer = await client.get("/ready")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        subscriber = {"name": "handle", "address": "orders", "alive": True, "restarts": 0}
        assert answer.json() == {
            "status": "ok",
            "brokers": [
                {
                    "name": "MemoryBroker",
                    "status": "ok",
                    "critical": True,
                    "connected": True,
                    "subscribers": [{**subscriber, "last_message_age": None}],
                }
            ],
            "checks": {},
        }
        await broker.request("x", "orders")
        report = (await client.get("/ready")).json()
        assert 0 <= report["brokers"][0]["subscribers"][0]["last_message_age"] < 5


async def test_short_answer_and_methods() -> None:
    """`details=False` says the status alone; HEAD has no body; POST is refused."""
    endpoint = make_liveness_asgi(MemoryBroker(), details=False)
    assert (await ask(endpoint)).json() == {"status": "ok"}
    head = await ask(endpoint, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    refused = await ask(endpoint, "POST")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_non_critical_broker() -> None:
    """It is shown, and degrades, but does not make the process unready."""
    good, bad = RecordingBroker("good"), RecordingBroker("bad", alive=False)
    await good.start()
    for choice in ("metrics", bad):
        endpoint = make_readiness_asgi({"orders": good, "metrics": bad}, non_critical=[choice])
        answer = await ask(endpoint)
        assert answer.status_code == 200
        report = answer.json()
        assert report["status"] == "degraded"
        told = [(each["name"], each["status"], each["critical"]) for each in report["brokers"]]
        assert told == [("orders", "ok", True), ("metrics", "failed", False)]
    assert (await ask(make_readiness_asgi([good, bad]))).status_code == 503


async def test_checks(caplog: pytest.LogCaptureFixture) -> None:
    """Own checks fail by False, by raising and by their timeout; texts of errors stay inside."""
    broker = RecordingBroker()
    await broker.start()

    async def fine() -> None:
        pass

    async def refuses() -> bool:
        return False

    async def raises() -> None:
        raise ConnectionError("password is 123")

    async def hangs() -> None:
        await asyncio.Event().wait()

    checks = {
        "fine": fine,
        "refuses": HealthCheck(refuses, critical=False),
        "raises": HealthCheck(raises, critical=False),
        "hangs": HealthCheck(hangs, timeout=0.05, critical=False),
    }
    with caplog.at_level(logging.WARNING, "anystream.asgi.health"):
        answer = await ask(make_readiness_asgi(broker, checks=checks))
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert {name: each.get("error") for name, each in answer.json()["checks"].items()} == {
        "fine": None,
        "refuses": "it says False",
        "raises": "ConnectionError",
        "hangs": "no answer within 0.05 s",
    }
    assert "123" in caplog.text
    critical = make_readiness_asgi(broker, checks={"refuses": refuses})
    assert (await ask(critical)).status_code == 503


async def test_checks_that_do_not_behave() -> None:
    """One is deaf to its cancellation, one ends with a foreign one, one is a plain function."""
    broker, release = RecordingBroker(), asyncio.Event()
    await broker.start()
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()

    async def deaf() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def ends_with_another() -> None:
        await gone

    async def says_timeout() -> None:
        raise asyncio.TimeoutError

    checks = {
        "deaf": HealthCheck(deaf, timeout=0.05),
        "gone": ends_with_another,
        "timeout": says_timeout,
        "plain": lambda: True,
        "plainly not": lambda: False,
    }
    try:
        report = await asyncio.wait_for(make_readiness_asgi(broker, checks=checks).report(), 30)
    finally:
        release.set()
    assert {name: each.get("error") for name, each in report["checks"].items()} == {
        "deaf": "no answer within 0.05 s",
        "gone": "CancelledError",
        "timeout": "TimeoutError",
        "plain": None,
        "plainly not": "it says False",
    }


async def test_ping_that_hangs() -> None:
    """A broker that does not answer within the timeout is not ready."""
    broker = RecordingBroker(hang=("ping",))
    await broker.start()

    async def hanging(timeout: float | None = None) -> bool:
        await asyncio.Event().wait()
        return True

    broker.ping = hanging  # type: ignore[method-assign]
    assert (await ask(make_readiness_asgi(broker, timeout=0.05))).status_code == 503


async def test_application_whose_brokers_come_later() -> None:
    """An application is watched with the brokers that it has when somebody asks."""
    app = FastStream(logger=None)
    endpoint = make_startup_asgi(app)
    assert (await ask(endpoint)).status_code == 503
    broker = MemoryBroker(logger=None)
    app.add_broker(broker)
    await broker.start()
    try:
        assert (await ask(endpoint)).status_code == 200
    finally:
        await broker.stop()


async def test_foreign_broker_has_started_once_it_answers() -> None:
    """Of a broker that only has `ping`, the first good answer counts as started."""
    broker = RecordingBroker(alive=True)
    endpoint = make_startup_asgi(broker)
    assert (await ask(endpoint)).status_code == 503
    await broker.start()
    assert (await ask(endpoint)).status_code == 200
    await broker.stop()
    assert (await ask(endpoint)).status_code == 200


async def test_connection_that_was_given_up_is_not_live() -> None:
    """When the client does not try any more, only a restart helps."""
    broker = NatsBroker(DOWN, logger=None)
    endpoint = make_liveness_asgi(broker)
    assert (await ask(endpoint)).status_code == 200
    broker.transport.connection.given_up = True  # type: ignore[attr-defined]
    assert (await ask(endpoint)).status_code == 503


def test_several_of_a_kind_have_numbers() -> None:
    """Brokers without names are told apart."""
    endpoint = make_readiness_asgi([MemoryBroker(), NatsBroker(DOWN), MemoryBroker()])
    report = asyncio.run(endpoint.report())
    names = [each["name"] for each in report["brokers"]]
    assert names == ["MemoryBroker", "NatsBroker", "MemoryBroker 2"]


@pytest.mark.parametrize("make", [make_liveness_asgi, make_readiness_asgi, make_startup_asgi])
def test_mistakes_are_said_at_once(make: Any) -> None:
    """Nothing to watch, an unknown name, a check that is none."""
    with pytest.raises(SetupError, match="cannot watch"):
        make([])
    with pytest.raises(SetupError, match="cannot watch"):
        make("broker")
    with pytest.raises(SetupError, match=r"non_critical=\['other'\].*MemoryBroker"):
        make(MemoryBroker(), non_critical=["other"])
    with pytest.raises(SetupError, match="health check 'db'"):
        make(MemoryBroker(), checks={"db": 5})
    with pytest.raises(SetupError, match="health check 'db'"):
        make(MemoryBroker(), checks={"db": HealthCheck(asyncio.sleep, timeout=0)})
