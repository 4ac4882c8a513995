"""Brokers with credentials and TLS, against real servers that ask for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from anystream.core.exceptions import BrokerConnectionError
from tests.secured.doors import DOORS, Door
from tests.secured.servers import PASSWORD, SECURED, Certificates, Secured
from tests.waiting import until

TIMEOUT = 30.0
WRONG = "wrong-one"


def doors(*, tls: bool = False) -> list[Any]:
    """All doors, or those with a certificate; each with the marks of its broker."""
    return [
        pytest.param(door, marks=[getattr(pytest.mark, door.mark), pytest.mark.slow], id=name)
        for name, door in DOORS.items()
        if door.tls or not tls
    ]


@pytest.fixture(scope="module")
def server_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Door], Secured]]:
    """The server behind a door, started when it is first asked for."""
    started: dict[str, Secured] = {}

    def find(door: Door) -> Secured:
        if door.kind not in started:
            made = SECURED[door.kind](tmp_path_factory.mktemp(f"secured-{door.kind}"))
            started[door.kind] = made
            made.start()
        return started[door.kind]

    yield find
    for server in started.values():
        server.close()


async def refused(broker: Any) -> str:
    """What `start` says; nothing is left behind by it."""
    before = asyncio.all_tasks()
    with pytest.raises(BrokerConnectionError) as caught:
        await asyncio.wait_for(broker.start(), TIMEOUT)
    await broker.stop()
    await until(lambda: asyncio.all_tasks() <= before)
    return str(caught.value)


@pytest.mark.parametrize("door", doors())
async def test_the_right_user_comes_in(door: Door, server_of: Callable[[Door], Secured]) -> None:
    """A message goes to the server and comes back, and ping says True."""
    server = server_of(door)
    broker = door.broker(server, PASSWORD, server.certificates)
    address, got = f"secured-{uuid4().hex}", asyncio.Event()
    bodies: list[str] = []

    async def handle(body: str) -> None:
        bodies.append(body)
        got.set()

    door.subscribe(broker, address, handle)
    await asyncio.wait_for(broker.start(), TIMEOUT)
    try:
        await broker.publish("let in", address)
        await asyncio.wait_for(got.wait(), TIMEOUT)
        assert await broker.ping(10.0) is True
    finally:
        await broker.stop()
    assert bodies == ["let in"]


@pytest.mark.parametrize("door", doors())
async def test_a_wrong_password(door: Door, server_of: Callable[[Door], Secured]) -> None:
    """The error names the server, says that the credentials are refused and where they are given,
    and does not give the password away."""
    server = server_of(door)
    broker = door.broker(server, WRONG, server.certificates)
    text = await refused(broker)
    assert "127.0.0.1:" in text
    assert f"credentials and the TLS settings of {type(broker).__name__}" in text
    assert any(word in text.lower() for word in ("authoriz", "authentic", "password", "refused"))
    assert WRONG not in text


@pytest.mark.parametrize("door", doors(tls=True))
async def test_an_authority_that_is_not_trusted(
    door: Door, server_of: Callable[[Door], Secured], tmp_path: Path
) -> None:
    """The error says that it is the certificate, and where the TLS settings are given."""
    broker = door.broker(server_of(door), PASSWORD, Certificates(tmp_path))
    text = await refused(broker)
    assert "certificate" in text.lower()
    assert f"TLS settings of {type(broker).__name__}" in text
    assert PASSWORD not in text
