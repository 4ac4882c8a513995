"""What an orchestrator's probes hear from every host while NATS and RabbitMQ go and come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from docs_src.demo.main import HOSTS
from tests.faults.servers import NatsServer, RabbitServer, Server, free_port

PROJECT = Path(__file__).resolve().parents[2]
PROBES = ("live", "ready", "started")
NOTICED = 20.0  # seconds: an orchestrator asks every few
pytestmark = [pytest.mark.slow, pytest.mark.nats, pytest.mark.rabbit]


class Hosted:
    """The demo on one host, in a process of its own."""

    def __init__(self, host: str, kind: str, variable: str, url: str) -> None:
        self.name = f"{host} with {kind}"
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "docs_src/demo/main.py", host, kind, "--port", str(self.port)],
            cwd=PROJECT,
            env={**os.environ, variable: url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def probe(self) -> dict[str, int]:
        """The status of each probe; 0 for no answer."""
        found = {}
        for probe in PROBES:
            url = f"http://127.0.0.1:{self.port}/health/{probe}"
            try:
                found[probe] = httpx.get(url, timeout=8.0).status_code
            except httpx.HTTPError:
                found[probe] = 0
        return found

    def order(self) -> None:
        """Publishes an order."""
        url = f"http://127.0.0.1:{self.port}/orders"
        httpx.post(url, json={"item": "tea", "price": 1.0}, timeout=10.0).raise_for_status()

    def invoiced(self) -> int:
        """How many orders this process has invoiced, be they published here or elsewhere."""
        return len(httpx.get(f"http://127.0.0.1:{self.port}/orders").json())


def all_work(hosted: list[Hosted]) -> bool:
    """Whether all publish, and all invoice: where they share a queue, the others' orders, too."""
    before = [each.invoiced() for each in hosted]

    def again() -> bool:
        for each in hosted:
            each.order()
        return all(each.invoiced() > count for each, count in zip(hosted, before, strict=True))

    return until(again)


def until(true: Callable[[], bool], seconds: float = NOTICED) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@contextmanager
def all_hosts(server: Server, kind: str, variable: str) -> Iterator[list[Hosted]]:
    hosted = [Hosted(host, kind, variable, server.url()) for host in HOSTS]
    try:
        yield hosted
    finally:
        for each in hosted:
            each.process.send_signal(signal.SIGINT)
        for each in hosted:
            try:
                each.process.wait(20)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()


@pytest.mark.parametrize(
    ("make", "kind", "variable"),
    [
        pytest.param(NatsServer, "nats", "ANYSTREAM_NATS_URL", id="nats"),
        pytest.param(RabbitServer, "rabbit", "ANYSTREAM_RABBIT_URL", id="rabbit"),
    ],
)
def test_probes_tell_the_truth(
    make: Callable[[Path], Server], kind: str, variable: str, tmp_path: Path
) -> None:
    """Live all along; ready while the server is there; started once and for all; works again."""
    good = {"live": 200, "ready": 200, "started": 200}
    away = {**good, "ready": 503}
    server = make(tmp_path)
    server.start()
    try:
        with all_hosts(server, kind, variable) as hosted, ThreadPoolExecutor(8) as pool:

            def everywhere(wanted: dict[str, int], seconds: float = NOTICED) -> list[str]:
                def wrong(each: Hosted) -> str:
                    same = until(lambda: each.probe() == wanted, seconds)
                    return "" if same else f"{each.name}: {each.probe()}"

                return [text for text in pool.map(wrong, hosted) if text]

            assert everywhere(good, 120.0) == []
            server.kill()
            assert everywhere(away) == []
            server.start()
            assert everywhere(good, 30.0) == []
            assert all_work(hosted)
        codes = {each.name: each.process.returncode for each in hosted}
        assert set(codes.values()) <= {0, -signal.SIGINT}, codes
    finally:
        server.close()
