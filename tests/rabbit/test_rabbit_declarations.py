"""Queues, exchanges, addresses and options, before any server is asked."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from anystream.core.exceptions import FeatureNotSupportedException, OptionError, SetupError
from anystream.core.security import BaseSecurity, SASLPlaintext, SASLScram256
from anystream.rabbit import (
    Channel,
    ExchangeType,
    QueueType,
    RabbitBroker,
    RabbitExchange,
    RabbitExternalAuth,
    RabbitQueue,
    RabbitResponse,
    RabbitRouter,
)
from anystream.rabbit.schemas import RABBIT_REPLY


def test_a_queue_says_its_type_and_is_durable() -> None:
    """The type is always among the arguments; the user's own arguments count more."""
    assert RabbitQueue("q").durable is True
    assert RabbitQueue("q").arguments == {"x-queue-type": "classic"}
    assert RabbitQueue("q", QueueType.QUORUM).arguments == {"x-queue-type": "quorum"}
    given = RabbitQueue("q", arguments={"x-queue-type": "stream", "x-max-age": "1D"})
    assert given.is_stream
    assert given.arguments["x-max-age"] == "1D"
    assert RABBIT_REPLY.name == "amq.rabbitmq.reply-to"
    assert not RABBIT_REPLY.declare


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"name": 5}, "is no str"),
        ({"name": "a{b}"}, "routing_key"),
        ({"name": "x" * 300}, "longer than 255"),
        ({"name": "q", "queue_type": "fast"}, "there is no queue type"),
        ({"name": "q", "queue_type": "quorum", "durable": False}, "always durable"),
        ({"name": "q", "queue_type": "stream", "durable": False}, "always durable"),
        ({"name": "q", "routing_key": "é" * 130}, "longer than 255"),
        ({"name": "q", "routing_key": "{x}.{x}"}, "Duplicated param"),
    ],
)
def test_a_queue_that_cannot_be(options: dict[str, Any], text: str) -> None:
    """Said where it is declared."""
    with pytest.raises(SetupError, match=text):
        RabbitQueue(**options)


def test_queues_are_equal_by_what_the_server_compares() -> None:
    """Nested arguments count; bindings and time limits do not."""
    one = RabbitQueue("q", arguments={"a": {"b": [1, 2]}}, routing_key="x")
    same = RabbitQueue("q", arguments={"a": {"b": [1, 2]}}, timeout=3)
    other = RabbitQueue("q", arguments={"a": {"b": [1, 3]}})
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert RabbitExchange("e", arguments={"x": [1]}) == RabbitExchange("e", arguments={"x": [1]})
    assert RabbitExchange("e") != RabbitExchange("e", ExchangeType.TOPIC)
    assert len({one, same, RabbitExchange("e"), RabbitExchange("e")}) == 2


def test_routing_of_a_queue() -> None:
    """The wildcard form goes to the server, the braces are kept for people."""
    queue = RabbitQueue("q", routing_key="logs.{level}.#")
    assert queue.routing() == "logs.*.#"
    assert queue.routing_template() == "logs.{level}.#"
    assert queue.path_regex.match("logs.info.a.b")["level"] == "info"
    assert RabbitQueue("q").routing() == "q"
    prefixed = queue.add_prefix("app.{name}.")
    assert (prefixed.name, prefixed.routing_key) == ("app.name.q", "app.{name}.logs.{level}.#")
    assert RabbitQueue("q").add_prefix("p.").routing() == "p.q"


def test_an_exchange_that_cannot_be() -> None:
    """Wrong types and names are refused, a key that does nothing is warned about."""
    with pytest.raises(SetupError, match="there is no type 'ring'"):
        RabbitExchange("e", "ring")  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="is no str"):
        RabbitExchange(3)  # type: ignore[arg-type]
    with pytest.warns(RuntimeWarning, match="without bind_to"):
        RabbitExchange("e", routing_key="x")
    assert RabbitExchange("e", bind_to="outer").routing() == "e"
    assert RabbitExchange().is_default
    assert RabbitExchange("e").durable is True


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"prefetch_count": 0}, "from 1"),
        ({"on_return_raises": True, "publisher_confirms": False}, "confirms"),
    ],
)
def test_a_channel_that_cannot_be(options: dict[str, Any], text: str) -> None:
    """Numbers that make no sense, and returns without confirms."""
    with pytest.raises(SetupError, match=text):
        Channel(**options)


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("amqp://u:p@h", {}, "amqp://u:p@h:5672"),
        ("amqps://u:p@h/v", {}, "amqps://u:p@h:5671/v"),
        ("amqp://u:p@h:1/v?heartbeat=5", {"host": "x", "port": 2}, "amqp://u:p@x:2/v?heartbeat=5"),
        ("amqp://u:p@h:1/v", {"virtualhost": "/"}, "amqp://u:p@h:1/"),
        ("amqp://u:p@h:1/v", {"virtualhost": "w"}, "amqp://u:p@h:1/w"),
        ("amqp://u:p@h:1/v", {"virtualhost": "//w"}, "amqp://u:p@h:1//w"),
        ("amqp://u:p@h:1/", {"security": SASLPlaintext("me", "secret")}, "amqp://me:secret@h:1/"),
        ("amqp://u:p@h/", {"security": BaseSecurity(use_ssl=True)}, "amqps://u:p@h:5671/"),
        ("amqp://u:p@h/", {"security": RabbitExternalAuth()}, "amqps://h:5671/?auth=EXTERNAL"),
        ("amqp://h:1/", {"heartbeat": 7}, "amqp://h:1/?heartbeat=7"),
        ("amqps://h:1/", {"ssl_options": {"cafile": "/ca"}}, "amqps://h:1/?cafile=/ca"),
    ],
)
def test_the_address(url: str, options: dict[str, Any], expected: str) -> None:
    """Single parts count more than the URL's."""
    assert str(RabbitBroker(url, **options).rabbit.url) == expected


def test_tls_settings_reach_the_client() -> None:
    """A context is handed on as it is."""
    context = ssl.create_default_context()
    broker = RabbitBroker(security=SASLPlaintext("u", "p", ssl_context=context))
    assert broker.rabbit.options["ssl_context"] is context
    assert broker.rabbit.url.scheme == "amqps"


def test_documents_show_no_credentials() -> None:
    """Neither the specification nor the repr has a password."""
    broker = RabbitBroker("amqp://user:secret@h:1/v")
    assert broker.specification.url == ["amqp://h:1/v"]
    assert (broker.specification.protocol, broker.specification.protocol_version) == (
        "amqp",
        "0.9.1",
    )
    assert "secret" not in repr(broker)
    assert "secret" not in broker.rabbit.address


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"url": "http://h"}, OptionError, "no address of a server"),
        ({"url": 5}, OptionError, "no address of a server"),
        ({"hots": "h"}, OptionError, "did you mean 'host'"),
        ({"default_channel": 3}, OptionError, "is no Channel"),
        ({"security": 3}, OptionError, "no security object"),
        ({"security": SASLScram256("u", "p")}, FeatureNotSupportedException, "RabbitExternalAuth"),
    ],
)
def test_a_broker_that_cannot_be(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """Options are checked where they are given."""
    with pytest.raises(error, match=text):
        RabbitBroker(**options)


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (("q",), {"chanel": None}, "did you mean 'channel'"),
        (("q",), {"channel": 3}, "is no Channel"),
        (("q",), {"consume_args": 3}, "no dict"),
        ((5,), {}, "neither a str nor a RabbitQueue"),
        (("",), {}, "without a name"),
        (("q", 5), {}, "neither a str nor a RabbitExchange"),
    ],
)
def test_a_subscriber_that_cannot_be(
    arguments: tuple[Any, ...], options: dict[str, Any], text: str
) -> None:
    """Said where it is declared, with the nearest right name."""
    with pytest.raises(SetupError, match=text):
        RabbitBroker().subscriber(*arguments, **options)


def test_publishers_and_messages_that_cannot_be() -> None:
    """A key with `{name}` parts is no address to publish to; options are checked everywhere."""
    broker = RabbitBroker()
    with pytest.raises(SetupError, match="write it out"):
        broker.publisher(routing_key="logs.{level}", exchange="e")
    with pytest.raises(OptionError, match="did you mean 'persist'"):
        broker.publisher("q", persits=True)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="did you mean 'priority'"):
        RabbitResponse("x", prioriti=3)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="neither a str"):
        broker.publisher(5)  # type: ignore[arg-type]


async def test_a_request_needs_an_end() -> None:
    """`timeout=None` would wait for ever, so it is refused."""
    with pytest.raises(OptionError, match="wait for ever"):
        await RabbitBroker().request("x", "q", timeout=None)


def test_workers_and_prefetch() -> None:
    """A channel's limit is the number of workers; else the limit follows the workers."""
    from anystream.rabbit.source import prefetch

    broker = RabbitBroker()
    plain = broker.subscriber("a")
    several = broker.subscriber("b", max_workers=5)
    limited = broker.subscriber("c", channel=Channel(prefetch_count=7))
    both = broker.subscriber("d", channel=Channel(prefetch_count=7), max_workers=2)
    assert [(sub.workers, prefetch(sub, None)) for sub in (plain, several, limited, both)] == [
        (1, 2),
        (5, 10),
        (7, 7),
        (2, 7),
    ]
    assert prefetch(plain, Channel(prefetch_count=3)) == 3


def test_prefixes_do_not_touch_the_exchange() -> None:
    """They stand before queue names and routing keys, of publishers, too."""
    broker, router = RabbitBroker(), RabbitRouter(prefix="p.")
    sub = router.subscriber(RabbitQueue("q", routing_key="k"), RabbitExchange("e"))
    named = router.publisher("q", "e")
    fanout = router.publisher(exchange=RabbitExchange("f", ExchangeType.FANOUT))
    broker.include_router(router)
    assert sub.full_address == "p.q"
    assert sub.source.exchange.name == "e"
    assert named.destination == "p.q"
    assert fanout.destination == ""


def test_bindings_of_the_document() -> None:
    """Channels and operations are described in AMQP's terms, for both versions."""
    broker = RabbitBroker("amqp://h:1/vh")
    exchange = RabbitExchange("e", ExchangeType.TOPIC)

    @broker.subscriber(RabbitQueue("q", routing_key="logs.{level}"), exchange)
    @broker.publisher("out", persist=True, priority=3)
    async def handle(body: str) -> str:
        return body

    sub, pub = broker.subscribers[0], broker.publishers[0]
    (address,) = broker.channel_addresses(sub)
    assert address == "logs.{level}"
    assert broker.channel_name(sub, address) == "q:e"
    assert broker.channel_name(pub, "out") == "out:_"
    queue = {"name": "q", "durable": True, "exclusive": False, "autoDelete": False, "vhost": "/vh"}
    assert broker.channel_bindings(sub, address) == {
        "amqp": {"is": "queue", "bindingVersion": "0.3.0", "queue": queue}
    }
    assert broker.channel_bindings(pub, "out") == {
        "amqp": {
            "is": "routingKey",
            "bindingVersion": "0.3.0",
            "exchange": {"type": "default", "vhost": "/vh"},
        }
    }
    assert broker.operation_bindings(pub, "out")["amqp"] == {
        "cc": ["out"],
        "ack": True,
        "deliveryMode": 2,
        "mandatory": True,
        "priority": 3,
        "bindingVersion": "0.3.0",
    }
    channel, operation = broker.bindings_in_26(sub, address)
    assert channel["amqp"]["queue"] == queue
    assert channel["amqp"]["exchange"]["name"] == "e"
    assert operation["amqp"]["cc"] == "logs.{level}"
    fanout = broker.subscriber("f", RabbitExchange("g", ExchangeType.FANOUT))
    assert broker.shown_address(fanout, "f") is None
