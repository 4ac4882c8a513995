"""From an HTTP request in one process into the consumer in another, in one trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.adapters.serving import ROOT, free_port, wait_until_answering

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@contextmanager
def running(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.observability.{module}", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def spans_in(file: Path) -> dict[str, dict[str, Any]]:
    """By name; a process has its service's name in all of them."""
    found = [json.loads(line) for line in file.read_text().splitlines()]
    return {span["name"]: span for span in found}


def id_of(span: dict[str, Any]) -> str:
    return str(span["context"]["span_id"])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nats", marks=pytest.mark.nats),
        pytest.param("rabbit", marks=pytest.mark.rabbit),
    ],
)
def test_one_trace(name: str, tmp_path: Path) -> None:
    """The caller's trace and baggage reach the handler through request, publish and message."""
    address, port = f"observed-{uuid4().hex[:8]}", free_port()
    shop_file, stock_file = tmp_path / "shop", tmp_path / "stock"
    with (
        running("stock", name, address, str(stock_file)) as stock,
        running("web_shop", name, address, str(port), str(shop_file)) as shop,
    ):
        assert stock.stdout is not None
        assert stock.stdout.readline() == "ready\n"
        wait_until_answering(shop, port)
        answer = httpx.post(
            f"http://127.0.0.1:{port}/orders",
            headers={"traceparent": f"00-{TRACE}-{CALLER}-01", "baggage": "user=john"},
            timeout=30,
        )
        assert answer.status_code == 202
        assert stock.stdout.readline() == "handled tea of john\n"
        assert stock.wait(30) == 0
        shop.send_signal(signal.SIGINT)
        shop.wait(30)

    shop_spans, stock_spans = spans_in(shop_file), spans_in(stock_file)
    shown = f"default.{address}" if name == "rabbit" else address
    (request,) = [span for span in shop_spans.values() if span["kind"] == "SpanKind.SERVER"]
    create, publish = shop_spans[f"{shown} create"], shop_spans[f"{shown} publish"]
    process = stock_spans[f"{shown} process"]
    assert request["parent_id"] == f"0x{CALLER}"
    assert create["parent_id"] == id_of(request)
    assert publish["parent_id"] == id_of(create)
    assert process["parent_id"] == id_of(create)
    traces = {span["context"]["trace_id"] for span in (request, create, publish, process)}
    assert traces == {f"0x{TRACE}"}
    services = [one["resource"]["attributes"]["service.name"] for one in (create, process)]
    assert services == ["shop", "stock"]
