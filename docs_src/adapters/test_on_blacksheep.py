from typing import Any

from blacksheep.testing import TestClient

from docs_src.adapters.on_blacksheep import make_app


async def test_blacksheep() -> None:
    app: Any = make_app()
    await app.start()
    response = await TestClient(app).post("/orders/tea")
    assert response.status == 202
    await app.stop()
