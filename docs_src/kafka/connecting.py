from anystream.core.security import SASLScram256
from anystream.kafka import KafkaBroker

broker = KafkaBroker(
    ["one:9092", "two:9092"],
    security=SASLScram256("shop", "secret", use_ssl=True),
    client_id="shop",
    acks="all",
    compression_type="gzip",
    request_timeout_ms=10_000,
    graceful_timeout=15.0,
)
