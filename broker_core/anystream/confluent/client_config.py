"""From named parameters to librdkafka's keys: one table for each kind of client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anystream.confluent.options import ConsumerOptions
from anystream.core.sentinel import EMPTY
from anystream.kafka_common.options import AnyClientOptions, ProducerOptions


def _by_dots(names: Iterable[str]) -> dict[str, str]:
    return {name: name.replace("_", ".") for name in names}


# parameter -> key, where replacing "_" by "." is not enough
_PAUSE, _TIMEOUT = "retry_backoff_ms", "request_timeout_ms"
_COMMON = _by_dots(AnyClientOptions.__optional_keys__ - {_PAUSE, _TIMEOUT})
_PRODUCER = {
    **_by_dots((*ProducerOptions.__optional_keys__, _PAUSE, _TIMEOUT)),
    "max_request_size": "message.max.bytes",
}
_CONSUMER = {
    **_by_dots((*ConsumerOptions.__optional_keys__, "allow_auto_create_topics")),
    _PAUSE: "fetch.error.backoff.ms",
    "fetch_max_wait_ms": "fetch.wait.max.ms",
}
_ADMIN = _by_dots((_PAUSE,))

# what the new group protocol leaves to the server; librdkafka refuses them together
_CLASSIC_ONLY = ("partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms")

DEFAULT_GROUP = "faststream-consumer-group"


class ClientConfig:
    """What all clients of one broker are configured with.

    Later ones win: named parameters, then `security`, then the user's own `config`.

    Args:
        servers: addresses.
        named: the broker's options by their names, defaults included; those that are none of
            librdkafka's do not matter.
        security: keys that follow from the security object.
        config: the user's own keys.
    """

    def __init__(
        self,
        servers: str,
        named: Mapping[str, Any],
        security: Mapping[str, Any],
        config: Mapping[str, Any],
    ) -> None:
        self.named = {
            **named,
            # the driver's own "not given" is all in-sync replicas
            "acks": -1 if named.get("acks") in (EMPTY, "all") else named.get("acks"),
            # librdkafka has no transactions without
            "enable_idempotence": bool(
                named.get("enable_idempotence") or named.get("transactional_id")
            ),
        }
        self.base = {"bootstrap.servers": servers, **_written(self.named, _COMMON)}
        self.security = dict(security)
        self.config = {
            key: getattr(value, "value", value)  # members of enums are taken for their values
            for key, value in config.items()
        }
        addresses = self.config.get("bootstrap.servers")
        if isinstance(addresses, (list, tuple)):
            self.config["bootstrap.servers"] = ",".join(addresses)

    @property
    def servers(self) -> str:
        """The addresses, for people."""
        return str(self.config.get("bootstrap.servers", self.base["bootstrap.servers"]))

    def _with(self, own: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.base, **own, **self.security, **self.config}

    def producer(self) -> dict[str, Any]:
        """For the producer."""
        return self._with(_written(self.named, _PRODUCER))

    def admin(self) -> dict[str, Any]:
        """For the admin client."""
        return self._with(_written(self.named, _ADMIN))

    def consumer(
        self, options: Mapping[str, Any], group_id: str | None, ownership: Mapping[str, Any]
    ) -> dict[str, Any]:
        """For the consumer of one subscriber.

        Args:
            options: the subscriber's parameters by their names, defaults included.
            group_id: its group; without one all such consumers share a group.
            ownership: who commits and who stores offsets: not the user's to change, because the
                promises of the acknowledgement policies hang on it.
        """
        own = _written({**self.named, **options}, _CONSUMER)
        if own.get("auto.offset.reset") == "none":
            own["auto.offset.reset"] = "error"
        strategy = own.get("partition.assignment.strategy")
        if strategy is not None and not isinstance(strategy, str):
            own["partition.assignment.strategy"] = ",".join(strategy)
        own["group.id"] = group_id or DEFAULT_GROUP
        own["topic.metadata.refresh.interval.ms"] = 1000
        if str(self.config.get("group.protocol", "")).lower() == "consumer":
            for key in _CLASSIC_ONLY:
                own.pop(key, None)
        return {**self._with(own), **ownership}


def _written(values: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    return {key: values[name] for name, key in table.items() if values.get(name) is not None}
