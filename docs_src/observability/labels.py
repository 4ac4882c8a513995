from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry

from anystream.nats.prometheus import NatsPrometheusMiddleware


def tenant(message: Msg | None) -> str:
    return (message.headers or {}).get("tenant", "none") if message else "none"


middleware = NatsPrometheusMiddleware(
    registry=CollectorRegistry(),
    metrics_prefix="shop",
    custom_labels={"region": "eu", "tenant": tenant},
)
