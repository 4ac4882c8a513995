"""Serves the orders demo: `main.py HOST BROKER --port PORT`."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

BROKERS = ("memory", "nats", "redis", "rabbit", "kafka", "confluent")
HOSTS = ("aiohttp", "litestar", "sanic", "quart", "falcon", "blacksheep", "fastapi", "asgi")

TRY = """
anystream demo: {host} with the {broker} broker, on http://127.0.0.1:{port}  (Ctrl-C ends it)

  publish an order    curl -i -X POST http://127.0.0.1:{port}/orders \\
                        -H 'content-type: application/json' \\
                        -d '{{"item": "tea", "quantity": 2, "price": 4.5}}'
  a wrong one         curl -i -X POST http://127.0.0.1:{port}/orders \\
                        -H 'content-type: application/json' -d '{{"item": "tea"}}'
  what was invoiced   curl http://127.0.0.1:{port}/orders
  health              curl -i http://127.0.0.1:{port}/health
  ready, in detail    curl http://127.0.0.1:{port}/health/ready
  the document        curl http://127.0.0.1:{port}/docs/asyncapi
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", choices=HOSTS)
    parser.add_argument("broker", choices=BROKERS)
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args()
    print(TRY.format(host=args.host, broker=args.broker, port=args.port), flush=True)
    from docs_src.demo.orders import make_stream

    module = importlib.import_module(f"docs_src.demo.on_{args.host}")
    module.serve(make_stream(args.broker), args.port)


if __name__ == "__main__":
    main()
