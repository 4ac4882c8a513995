from anystream.confluent import KafkaBroker
from anystream.core.security import SASLScram256

broker = KafkaBroker(
    ["one:9092", "two:9092"],
    security=SASLScram256("shop", "secret", use_ssl=True),
    client_id="shop",
    acks="all",
    compression_type="lz4",
    config={
        "ssl.ca.location": "/etc/ssl/kafka-ca.pem",
        "socket.keepalive.enable": True,
    },
)
