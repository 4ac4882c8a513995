"""The keys of librdkafka's configuration, and what is checked before librdkafka sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from anystream.core.exceptions import OptionError

__all__ = ("CHOICES", "ConfluentConfig", "check_config")

#: Keys of librdkafka, for `KafkaBroker(config=...)`. Others that librdkafka knows are taken, too.
ConfluentConfig = TypedDict(
    "ConfluentConfig",
    {
        "acks": int | str,
        "allow.auto.create.topics": bool,
        "api.version.fallback.ms": int,
        "api.version.request": bool,
        "api.version.request.timeout.ms": int,
        "auto.commit.interval.ms": int,
        "auto.offset.reset": str,
        "batch.num.messages": int,
        "batch.size": int,
        "bootstrap.servers": str | list[str],
        "broker.address.family": str,
        "broker.address.ttl": int,
        "broker.version.fallback": str,
        "builtin.features": str,
        "check.crcs": bool,
        "client.dns.lookup": str,
        "client.id": str,
        "client.rack": str,
        "compression.codec": str,
        "compression.level": int,
        "compression.type": str,
        "connections.max.idle.ms": int,
        "consume.callback.max.messages": int,
        "coordinator.query.interval.ms": int,
        "debug": str,
        "delivery.report.only.error": bool,
        "delivery.timeout.ms": int,
        "enable.auto.commit": bool,
        "enable.auto.offset.store": bool,
        "enable.gapless.guarantee": bool,
        "enable.idempotence": bool,
        "enable.metrics.push": bool,
        "enable.partition.eof": bool,
        "enable.random.seed": bool,
        "enable.sasl.oauthbearer.unsecure.jwt": bool,
        "enable.ssl.certificate.verification": bool,
        "enable.sparse.connections": bool,
        "fetch.error.backoff.ms": int,
        "fetch.max.bytes": int,
        "fetch.message.max.bytes": int,
        "fetch.min.bytes": int,
        "fetch.queue.backoff.ms": int,
        "fetch.wait.max.ms": int,
        "group.id": str,
        "group.instance.id": str,
        "group.protocol": str,
        "group.protocol.type": str,
        "group.remote.assignor": str,
        "heartbeat.interval.ms": int,
        "internal.termination.signal": int,
        "isolation.level": str,
        "linger.ms": int | float,
        "log.connection.close": bool,
        "log.queue": bool,
        "log.thread.name": bool,
        "log_level": int,
        "max.in.flight": int,
        "max.in.flight.requests.per.connection": int,
        "max.partition.fetch.bytes": int,
        "max.poll.interval.ms": int,
        "message.copy.max.bytes": int,
        "message.max.bytes": int,
        "message.send.max.retries": int,
        "message.timeout.ms": int,
        "metadata.broker.list": str,
        "metadata.max.age.ms": int,
        "metadata.recovery.strategy": str,
        "oauthbearer_config": str,
        "oauth_cb": Any,
        "offset.store.method": str,
        "partition.assignment.strategy": str,
        "partitioner": str,
        "plugin.library.paths": str,
        "queue.buffering.backpressure.threshold": int,
        "queue.buffering.max.kbytes": int,
        "queue.buffering.max.messages": int,
        "queue.buffering.max.ms": int | float,
        "queued.max.messages.kbytes": int,
        "queued.min.messages": int,
        "receive.message.max.bytes": int,
        "reconnect.backoff.max.ms": int,
        "reconnect.backoff.ms": int,
        "request.required.acks": int | str,
        "request.timeout.ms": int,
        "retries": int,
        "retry.backoff.max.ms": int,
        "retry.backoff.ms": int,
        "sasl.kerberos.keytab": str,
        "sasl.kerberos.kinit.cmd": str,
        "sasl.kerberos.min.time.before.relogin": int,
        "sasl.kerberos.principal": str,
        "sasl.kerberos.service.name": str,
        "sasl.mechanism": str,
        "sasl.mechanisms": str,
        "sasl.oauthbearer.client.id": str,
        "sasl.oauthbearer.client.secret": str,
        "sasl.oauthbearer.config": str,
        "sasl.oauthbearer.extensions": str,
        "sasl.oauthbearer.method": str,
        "sasl.oauthbearer.scope": str,
        "sasl.oauthbearer.token.endpoint.url": str,
        "sasl.password": str,
        "sasl.username": str,
        "security.protocol": str,
        "session.timeout.ms": int,
        "socket.blocking.max.ms": int,
        "socket.connection.setup.timeout.ms": int,
        "socket.keepalive.enable": bool,
        "socket.max.fails": int,
        "socket.nagle.disable": bool,
        "socket.receive.buffer.bytes": int,
        "socket.send.buffer.bytes": int,
        "socket.timeout.ms": int,
        "ssl.ca.certificate.stores": str,
        "ssl.ca.location": str,
        "ssl.ca.pem": str,
        "ssl.certificate.location": str,
        "ssl.certificate.pem": str,
        "ssl.cipher.suites": str,
        "ssl.crl.location": str,
        "ssl.curves.list": str,
        "ssl.endpoint.identification.algorithm": str,
        "ssl.engine.id": str,
        "ssl.engine.location": str,
        "ssl.key.location": str,
        "ssl.key.password": str,
        "ssl.key.pem": str,
        "ssl.keystore.location": str,
        "ssl.keystore.password": str,
        "ssl.providers": str,
        "ssl.sigalgs.list": str,
        "statistics.interval.ms": int,
        "stats_cb": Any,
        "sticky.partitioning.linger.ms": int,
        "throttle_cb": Any,
        "topic.blacklist": str,
        "topic.metadata.propagation.max.ms": int,
        "topic.metadata.refresh.fast.interval.ms": int,
        "topic.metadata.refresh.interval.ms": int,
        "topic.metadata.refresh.sparse": bool,
        "transaction.timeout.ms": int,
        "transactional.id": str,
    },
    total=False,
)

_COMPRESSION = ("none", "gzip", "snappy", "lz4", "zstd")

CHOICES: Mapping[str, tuple[str, ...]] = {
    "compression.codec": _COMPRESSION,
    "compression.type": _COMPRESSION,
    "client.dns.lookup": ("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"),
    "offset.store.method": ("none", "file", "broker"),
    "isolation.level": ("read_uncommitted", "read_committed"),
    "sasl.oauthbearer.method": ("default", "oidc"),
    "security.protocol": ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl"),
    "broker.address.family": ("any", "v4", "v6"),
    "group.protocol": ("classic", "consumer"),
    "builtin.features": (
        *("gzip", "snappy", "ssl", "sasl", "regex", "lz4", "sasl_gssapi", "sasl_plain"),
        *("sasl_scram", "plugins", "zstd", "sasl_oauthbearer", "http", "oidc"),
    ),
    "debug": (
        *("generic", "broker", "topic", "metadata", "feature", "queue", "msg", "protocol"),
        *("cgrp", "security", "fetch", "interceptor", "plugin", "consumer", "admin", "eos"),
        *("mock", "assignor", "conf", "telemetry", "all"),
    ),
}


def check_config(owner: str, config: Any) -> dict[str, Any]:
    """The user's dictionary of librdkafka keys, checked as far as it can be without a client.

    Args:
        owner: what is being made, for the message.
        config: the dictionary, or None.

    Raises:
        OptionError: it is no dictionary of strings, or a value is not among those that the key
            can have.
    """
    if config is None:
        return {}
    if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
        raise OptionError(
            f"{owner}: config={config!r} must be a dict of librdkafka's keys, such as "
            "{'socket.keepalive.enable': True}"
        )
    for key, value in config.items():
        choices = CHOICES.get(key)
        if choices and str(getattr(value, "value", value)).lower() not in choices:
            raise OptionError(
                f"{owner}: config[{key!r}] is {value!r}; it can be one of {', '.join(choices)}"
            )
    return dict(config)
