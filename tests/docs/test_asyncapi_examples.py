"""The examples of docs_src/asyncapi."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import yaml

from docs_src.asyncapi import guarded, one_file, page
from docs_src.asyncapi.described import stream
from docs_src.asyncapi.older import text
from tests.serving import serve

pytestmark = pytest.mark.memory

TRY = {
    "channelName": "orders.{country}:MakeInvoice",
    "message": {"message": {"item": "tea", "quantity": 2}},
    "parameters": {"country": "de"},
}


def test_described() -> None:
    """All that is said is in the document, and what is hidden is not."""
    document = stream.schema.to_specification().to_jsonable()
    assert document["info"]["contact"]["name"] == "Ops"
    assert document["info"]["tags"][0]["externalDocs"]["url"] == "https://example.com/orders"
    assert list(document["channels"]) == ["orders.{country}:MakeInvoice", "invoices:Publisher"]
    channel = document["channels"]["orders.{country}:MakeInvoice"]
    assert channel["description"] == "Turns an order into an invoice."
    assert set(document["components"]["schemas"]) == {"Order", "Invoice"}


def test_older() -> None:
    """The same in the older version."""
    document = yaml.safe_load(text)
    assert document["asyncapi"] == "2.6.0"
    assert document["channels"]["orders.{country}:MakeInvoice"]["parameters"] == {"country": {}}


async def test_page() -> None:
    """A password is asked for, and the form may send to the real broker."""
    async with serve(page.app) as address:
        url = f"http://{address}/docs/asyncapi"
        async with httpx.AsyncClient(auth=("ann", "secret")) as client:
            shown = (await client.get(url)).text
            assert '"schemas": false' in shown
            assert '"realBroker": true' in shown
            answer = await client.post(f"{url}/try", json=TRY)
            assert answer.json() == {"item": "tea", "total": 9.0}
            sent = await client.post(
                f"{url}/try", json={**TRY, "options": {"sendToRealBroker": True}}
            )
            assert (sent.status_code, sent.json()) == (200, "ok")
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.get(url)).status_code == 401


async def test_guarded() -> None:
    """The guard sees a header."""
    async with serve(guarded.app) as address, httpx.AsyncClient() as client:
        url = f"http://{address}/asyncapi/"
        assert (await client.get(url)).text == "for the team only"
        assert "<title>Shop" in (await client.get(url, headers={"x-team": "ops"})).text


def test_one_file(tmp_path: Path) -> None:
    """The file has everything in it."""
    one_file.write(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>Shop AsyncAPI</title>" in text
    assert "src=" not in text.partition("<script>")[0]
