"""The instruments of the fault cases: does the proxy cut, and would a record show a fault?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.faults.proxy import Proxy
from tests.faults.record import Record, Sample


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    """A server that sends back what it gets."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
def proxy(echo_port: int) -> Iterator[Proxy]:
    """A proxy in front of it."""
    made = Proxy()
    made.target = echo_port
    yield made
    made.close()


class Link:
    """A client's connection through the proxy."""

    @classmethod
    async def to(cls, proxy: Proxy) -> Link:
        made = cls()
        made.reader, made.writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        return made

    async def answers(self) -> bool:
        """Whether what is sent comes back soon; an error comes out."""
        self.writer.write(b"x")
        try:
            return await asyncio.wait_for(self.reader.readexactly(1), 0.3) == b"x"
        except asyncio.TimeoutError:
            return False

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


async def test_reset(proxy: Proxy) -> None:
    """Connections are reset, new ones too, until it forwards again."""
    link = await Link.to(proxy)
    assert await link.answers()
    proxy.reset()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await link.answers()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await (await Link.to(proxy)).answers()
    proxy.forward()
    third = await Link.to(proxy)
    assert await third.answers()
    assert proxy.attempts == 3
    for one in (link, third):
        await one.close()


async def test_hole(proxy: Proxy) -> None:
    """Nothing comes and nothing is said; old connections stay dead, new ones work afterwards."""
    old = await Link.to(proxy)
    assert await old.answers()
    proxy.hole()
    meanwhile = await Link.to(proxy)
    assert not await old.answers()
    assert not await meanwhile.answers()
    proxy.forward()
    new = await Link.to(proxy)
    assert await new.answers()
    assert not await old.answers()
    for one in (old, meanwhile, new):
        await one.close()


def record(**given: object) -> Record:
    """Ten messages, a second from one to the next, an outage between 3.5 and 6.5."""
    samples = [Sample(at / 4, 0.01, not 14 <= at < 26, True, 0, 0, at / 400) for at in range(80)]
    values: dict[str, object] = {
        "flavour": "x",
        "scenario": "restart",
        "cut": 3.5,
        "back": 6.5,
        "confirmed": {n: float(n) for n in range(10)},
        "handled": [(n, n + 0.1 if n not in (4, 5, 6) else 7.0) for n in range(10)],
        "samples": samples,
    }
    return Record(**{**values, **given})  # type: ignore[arg-type]


def test_a_good_record() -> None:
    """Nothing lost, not ready in the outage, ready and working after it."""
    good = record()
    assert (good.lost, good.repeated, good.lies(), good.claimed_ready(0.5)) == ([], 0, [], [])
    assert good.flows_after == pytest.approx(0.5)
    assert good.unready_after == pytest.approx(0.01)
    assert good.ready_after == pytest.approx(0.01, abs=0.01)
    assert good.spent()["cpu"] == pytest.approx(0.01)


def test_a_bad_record() -> None:
    """Lost messages, a readiness that says True all along, a hot loop: each of it shows."""
    always = [Sample(at / 4, 0.01, True, True, at, at * 50, at / 4) for at in range(80)]
    some = [(n, n + 0.1) for n in (0, 1, 2, 3, 3)]
    bad = record(samples=always, handled=some)
    assert (bad.lost, bad.repeated, bad.flows_after) == ([4, 5, 6, 7, 8, 9], 1, None)
    assert bad.unready_after is None
    assert len(bad.claimed_ready(0.5)) > 5
    assert [number for number, _ in bad.lies()] == [4, 5, 6, 7, 8, 9]
    assert bad.spent() == pytest.approx({"cpu": 1.0, "attempts": 200.0, "lines": 4.0})
