from aiohttp.test_utils import TestClient, TestServer

from docs_src.adapters.on_aiohttp import make_app


async def test_aiohttp() -> None:
    async with TestClient(TestServer(make_app())) as client:
        assert (await client.post("/orders/tea")).status == 202
        assert (await client.get("/health")).status == 204
