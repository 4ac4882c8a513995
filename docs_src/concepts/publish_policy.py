"""A publish that is tried again, and ends in time."""

from anystream.core import RetryPolicy
from anystream.nats import NatsBroker

broker = NatsBroker(
    "nats://localhost:4222",
    publish_timeout=10.0,
    publish_retry=RetryPolicy(attempts=5, first_pause=0.1, longest_pause=2.0),
)
