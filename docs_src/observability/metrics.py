from fastapi import FastAPI
from prometheus_client import CollectorRegistry, make_asgi_app

from anystream.fastapi import setup
from anystream.nats import NatsBroker
from anystream.nats.prometheus import NatsPrometheusMiddleware

registry = CollectorRegistry()
broker = NatsBroker(middlewares=[NatsPrometheusMiddleware(registry=registry, app_name="shop")])


@broker.subscriber("orders")
async def handle(item: str) -> None:
    print(item)


app = FastAPI()
setup(app, broker, asgi_routes=[("/metrics", make_asgi_app(registry))])
