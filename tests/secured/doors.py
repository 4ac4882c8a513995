"""The ways into a secured server: a broker of ours for each, with the objects of our API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.secured.servers import USER, Certificates, Secured, SecuredKafka

Handler = Callable[..., Any]
SLOW = 20.0  # seconds for a connection: the machine may be busy with starting the others


@dataclass(frozen=True)
class Door:
    """One way in.

    Args:
        kind: which server.
        mark: the pytest mark.
        broker: makes a broker for a server, with a password, and the certificates that it trusts.
        subscribe: declares a handler of an address, of which nothing is missed.
        tls: whether the server shows a certificate.
    """

    kind: str
    mark: str
    broker: Callable[[Any, str, Certificates], Any]
    subscribe: Callable[[Any, str, Handler], None]
    tls: bool = True


def nats(server: Secured, password: str, trusted: Certificates) -> Any:
    from anystream.nats import NatsBroker
    from anystream.nats.security import NatsUserPassword

    security = NatsUserPassword(USER, password, ssl_context=trusted.context())
    return NatsBroker(server.url(), security=security, connect_timeout=SLOW, logger=None)


def _sasl(password: str, trusted: Certificates) -> Any:
    from anystream.core.security import SASLPlaintext

    return SASLPlaintext(USER, password, use_ssl=True, ssl_context=trusted.context())


def nats_sasl(server: Secured, password: str, trusted: Certificates) -> Any:
    from anystream.nats import NatsBroker

    security = _sasl(password, trusted)
    return NatsBroker(server.url(), security=security, connect_timeout=SLOW, logger=None)


def redis(server: Secured, password: str, trusted: Certificates) -> Any:
    from anystream.redis import RedisBroker

    security = _sasl(password, trusted)
    return RedisBroker(server.url(), security=security, socket_timeout=SLOW, logger=None)


def rabbit(server: Secured, password: str, trusted: Certificates) -> Any:
    from anystream.rabbit import RabbitBroker

    url = f"amqp://127.0.0.1:{server.port}/"
    return RabbitBroker(url, security=_sasl(password, trusted), timeout=SLOW, logger=None)


def kafka_plain(server: SecuredKafka, password: str, trusted: Certificates) -> Any:
    from anystream.core.security import SASLPlaintext
    from anystream.kafka import KafkaBroker

    url = server.url(server.doors["SASL_PLAINTEXT"])
    return KafkaBroker(url, security=SASLPlaintext(USER, password), logger=None)


def kafka_tls(server: SecuredKafka, password: str, trusted: Certificates) -> Any:
    from anystream.kafka import KafkaBroker

    url = server.url(server.doors["SASL_SSL"])
    return KafkaBroker(url, security=_sasl(password, trusted), logger=None)


def kafka_scram(server: SecuredKafka, password: str, trusted: Certificates) -> Any:
    from anystream.core.security import SASLScram256
    from anystream.kafka import KafkaBroker

    url = server.url(server.doors["SASL_SSL"])
    security = SASLScram256(USER, password, ssl_context=trusted.context())
    return KafkaBroker(url, security=security, logger=None)


def confluent_plain(server: SecuredKafka, password: str, trusted: Certificates) -> Any:
    from anystream.confluent import KafkaBroker
    from anystream.core.security import SASLPlaintext

    url = server.url(server.doors["SASL_PLAINTEXT"])
    return KafkaBroker(url, security=SASLPlaintext(USER, password), logger=None)


def confluent_tls(server: SecuredKafka, password: str, trusted: Certificates) -> Any:
    from anystream.confluent import KafkaBroker
    from anystream.core.security import SASLPlaintext

    url = server.url(server.doors["SASL_SSL"])
    security = SASLPlaintext(USER, password, use_ssl=True)
    files: Any = {"ssl.ca.location": str(trusted.ca)}  # librdkafka has TLS of its own
    return KafkaBroker(url, security=security, config=files, logger=None)


def confluent_scram(server: SecuredKafka, password: str, trusted: Certificates) -> Any:
    from anystream.confluent import KafkaBroker
    from anystream.core.security import SASLScram256

    url = server.url(server.doors["SASL_PLAINTEXT"])
    return KafkaBroker(url, security=SASLScram256(USER, password), logger=None)


def _subscribe(broker: Any, address: str, handler: Handler) -> None:
    broker.subscriber(address)(handler)


def _subscribe_to_topic(broker: Any, address: str, handler: Handler) -> None:
    broker.subscriber(address, auto_offset_reset="earliest")(handler)


_KAFKA: Any = {"kind": "kafka", "subscribe": _subscribe_to_topic}

DOORS: dict[str, Door] = {
    "nats": Door("nats", "nats", nats, _subscribe),
    "nats-sasl": Door("nats", "nats", nats_sasl, _subscribe),
    "redis": Door("redis", "redis", redis, _subscribe),
    "rabbit": Door("rabbit", "rabbit", rabbit, _subscribe),
    "kafka": Door(mark="kafka", broker=kafka_plain, tls=False, **_KAFKA),
    "kafka-tls": Door(mark="kafka", broker=kafka_tls, **_KAFKA),
    "kafka-scram": Door(mark="kafka", broker=kafka_scram, **_KAFKA),
    "confluent": Door(mark="confluent", broker=confluent_plain, tls=False, **_KAFKA),
    "confluent-tls": Door(mark="confluent", broker=confluent_tls, **_KAFKA),
    "confluent-scram": Door(mark="confluent", broker=confluent_scram, tls=False, **_KAFKA),
}
