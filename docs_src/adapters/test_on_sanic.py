from docs_src.adapters.on_sanic import make_app


async def test_sanic() -> None:
    app = make_app()  # each request starts and stops the application
    _, response = await app.asgi_client.post("/orders/tea")
    assert response.status == 202
    _, response = await app.asgi_client.get("/health")
    assert response.status == 204
