from docs_src.adapters.on_quart import make_app


async def test_quart() -> None:
    async with make_app().test_app() as app:
        client = app.test_client()
        assert (await client.post("/orders/tea")).status_code == 202
        assert (await client.get("/health")).status_code == 204
