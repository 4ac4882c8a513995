from falcon.testing import ASGIConductor

from docs_src.adapters.on_falcon import make_app


async def test_falcon() -> None:
    async with ASGIConductor(make_app()) as client:
        assert (await client.simulate_post("/orders/tea")).status_code == 202
        assert (await client.simulate_get("/health")).status_code == 204
