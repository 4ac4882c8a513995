from litestar.testing import TestClient

from docs_src.adapters.on_litestar import make_app


def test_litestar() -> None:
    with TestClient(make_app()) as client:
        assert client.post("/orders/tea").status_code == 202
        assert client.get("/health").status_code == 204
