from anystream.core.security import SASLPlaintext
from anystream.redis import RedisBroker, RedisClusterBroker, RedisSentinelBroker

broker = RedisBroker(
    "redis://localhost:6379/2",
    security=SASLPlaintext("shop", "secret"),
    client_name="shop",
    socket_timeout=3.0,
    max_connections=20,
    graceful_timeout=15.0,
)

of_sentinels = RedisSentinelBroker(
    sentinels=[("one", 26379), ("two", 26379), ("three", 26379)],
    sentinel_master_name="main",
)

of_cluster = RedisClusterBroker("redis://one:7000", startup_nodes=[("two", 7001)])
