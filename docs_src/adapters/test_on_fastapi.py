from fastapi.testclient import TestClient

from docs_src.adapters.on_fastapi import make_app


def test_fastapi() -> None:
    with TestClient(make_app()) as client:  # without `with` nothing is started
        assert client.post("/orders/tea").status_code == 202
        assert client.get("/health").status_code == 204
