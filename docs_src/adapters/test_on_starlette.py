from starlette.testclient import TestClient

from docs_src.adapters.on_starlette import make_app


def test_starlette() -> None:
    with TestClient(make_app()) as client:
        assert client.post("/orders/tea").status_code == 202
        assert client.get("/health").status_code == 204
