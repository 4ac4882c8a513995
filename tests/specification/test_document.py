"""The document as a whole: skeleton, servers, channels, operations."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from anystream.core import FastStream
from anystream.core.exceptions import FeatureNotSupportedException, SetupError
from anystream.core.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext
from anystream.memory import MemoryBroker, MemoryRouter
from anystream.specification import AsyncAPI, Contact, ExternalDocs, License, Tag
from tests.recording_broker import RecordingBroker


class Order(BaseModel):
    id: int


class Invoice(BaseModel):
    order: Order


def test_the_whole_document_of_one_handler(describe: Any) -> None:
    """A subscriber and a publisher give exactly this document, in this order."""
    broker = MemoryBroker()

    @broker.subscriber("orders")
    @broker.publisher("invoices")
    async def handle_order(order: Order) -> Invoice:
        """Takes an order."""
        return Invoice(order=order)

    order = {
        "properties": {"id": {"title": "Id", "type": "integer"}},
        "required": ["id"],
        "title": "Order",
        "type": "object",
    }
    invoice = {
        "properties": {"order": {"$ref": "#/components/schemas/Order"}},
        "required": ["order"],
        "title": "Invoice",
        "type": "object",
    }
    here = [{"$ref": "#/servers/development"}]
    taken, sent = "orders:HandleOrder", "invoices:Publisher"
    correlation = {"location": "$message.header#/correlation_id"}
    document = describe(broker)
    assert document == {
        "info": {"title": "FastStream", "version": "0.1.0"},
        "asyncapi": "3.0.0",
        "defaultContentType": "application/json",
        "servers": {
            "development": {
                "host": "localhost",
                "pathname": "",
                "protocol": "memory",
                "protocolVersion": "custom",
            }
        },
        "channels": {
            taken: {
                "address": "orders",
                "description": "Takes an order.",
                "servers": here,
                "messages": {
                    "SubscribeMessage": {"$ref": f"#/components/messages/{taken}:SubscribeMessage"}
                },
            },
            sent: {
                "address": "invoices",
                "servers": here,
                "messages": {"Message": {"$ref": f"#/components/messages/{sent}:Message"}},
            },
        },
        "operations": {
            f"{taken}Subscribe": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{taken}"},
                "messages": [{"$ref": f"#/channels/{taken}/messages/SubscribeMessage"}],
            },
            sent: {
                "action": "send",
                "channel": {"$ref": f"#/channels/{sent}"},
                "messages": [{"$ref": f"#/channels/{sent}/messages/Message"}],
            },
        },
        "components": {
            "messages": {
                f"{taken}:SubscribeMessage": {
                    "title": f"{taken}:SubscribeMessage",
                    "correlationId": correlation,
                    "payload": {"$ref": "#/components/schemas/Order"},
                },
                f"{sent}:Message": {
                    "title": f"{sent}:Message",
                    "correlationId": correlation,
                    "payload": {"$ref": "#/components/schemas/Invoice"},
                },
            },
            "schemas": {"Order": order, "Invoice": invoice},
        },
    }
    expected = "info asyncapi defaultContentType servers channels operations components"
    assert list(document) == expected.split()


def test_what_is_said_of_the_service(describe: Any) -> None:
    """Contact, license, tags and so on are in `info`; mappings may have more fields."""
    info = describe(
        MemoryBroker(),
        title="Shop",
        version="2.0",
        description="Sells *things*",
        terms_of_service="https://shop.example",
        contact=Contact("Ann", url="https://ann.example", email="ann@shop.example"),
        license={"name": "MIT", "x-family": "free"},
        tags=["plain", Tag("full", "said", ExternalDocs("https://tag.example/a"))],
        external_docs=ExternalDocs("https://docs.example", "more"),
        identifier="urn:shop",
    )
    assert info["id"] == "urn:shop"
    assert info["info"] == {
        "title": "Shop",
        "version": "2.0",
        "description": "Sells *things*",
        "termsOfService": "https://shop.example/",
        "contact": {"name": "Ann", "url": "https://ann.example/", "email": "ann@shop.example"},
        "license": {"name": "MIT", "x-family": "free"},
        "tags": [
            {"name": "plain"},
            {
                "name": "full",
                "description": "said",
                "externalDocs": {"url": "https://tag.example/a"},
            },
        ],
        "externalDocs": {"url": "https://docs.example/", "description": "more"},
    }


@pytest.mark.parametrize(
    "options",
    [
        {"contact": {"url": "https://a.example"}},
        {"contact": 1},
        {"license": License("MIT", "no url")},
        {"external_docs": {"url": "/docs"}},
        {"terms_of_service": "terms"},
        {"tags": "one"},
        {"tags": [{"description": "nameless"}]},
    ],
)
def test_what_is_wrong_is_named_at_once(options: dict[str, Any]) -> None:
    """A wrong value is an error of ours that names the argument, when it is given."""
    with pytest.raises(SetupError, match=next(iter(options))):
        AsyncAPI(**options)


@pytest.mark.parametrize("version", ["2.5.0", "2.60", "4.0", "", None])
def test_versions_without_a_writer_are_refused(version: Any) -> None:
    """Any 3 and any 2.6 is written, the rest says that it is not supported."""
    with pytest.raises(FeatureNotSupportedException, match=r"3\.0\.0") as caught:
        AsyncAPI(schema_version=version)
    assert isinstance(caught.value, NotImplementedError)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("nats://localhost:4222", "localhost:4222", ""),
        ("localhost:9092", "localhost:9092", ""),
        ("amqp://user:secret@host:5672/vh", "host:5672", "/vh"),
        ("nats://secret@host", "host", ""),
        ("nats://user:sec/ret@host:1", "host:1", ""),
        ("nats://user:sec?ret@host:1", "host:1", ""),
        ("nats://user:sec#ret@host:1/x", "host:1", "/x"),
        ("nats://user:sec@ret@host:1/x", "host:1", "/x"),
        ("redis://host:6379/0?password=secret", "host:6379", "/0"),
        ("redis://user:secret@[::1]:6379/0", "[::1]:6379", "/0"),
    ],
)
def test_no_password_appears(describe: Any, url: str, host: str, path: str) -> None:
    """Host and path of a URL are shown, credentials and query never, however they are written."""
    document = describe(MemoryBroker(specification_url=url))
    server = document["servers"]["development"]
    assert (server["host"], server["pathname"]) == (host, path)
    text = json.dumps(document)
    assert "secret" not in text
    assert "sec" not in text.replace("securitySchemes", "")


def test_servers_of_several_brokers(describe: Any) -> None:
    """Equal servers are one; channels name those of their own broker."""
    one = MemoryBroker(specification_url=["memory://a", "memory://b"])
    two = MemoryBroker(specification_url="memory://b")
    three = MemoryBroker(specification_url="memory://b", protocol="other", description="else")

    for broker in (one, two, three):

        @broker.subscriber("same")
        async def handle(body: int) -> None: ...

    document = describe(one, two, three)
    shown = [
        (name, server["host"], server["protocol"]) for name, server in document["servers"].items()
    ]
    assert shown == [
        ("Server1", "a", "memory"),
        ("Server2", "b", "memory"),
        ("Server3", "b", "other"),
    ]
    servers = {
        key: [ref["$ref"].rpartition("/")[2] for ref in channel["servers"]]
        for key, channel in document["channels"].items()
    }
    assert servers == {
        "same:Handle": ["Server1", "Server2"],
        "same:Handle:2": ["Server2"],
        "same:Handle:3": ["Server3"],
    }
    assert len(document["operations"]) == 3


def test_security(describe: Any) -> None:
    """Schemes are named by servers and defined once; nothing of the credentials is told."""
    document = describe(
        MemoryBroker(specification_url="memory://a", security=SASLPlaintext("ann", "hidden")),
        MemoryBroker(specification_url="memory://b", security=SASLOAuthBearer()),
        MemoryBroker(specification_url="memory://c", security=BaseSecurity(use_ssl=True)),
    )
    servers = document["servers"]
    assert servers["Server1"]["security"] == [
        {"$ref": "#/components/securitySchemes/user-password"}
    ]
    assert servers["Server3"]["security"] == []
    assert document["components"]["securitySchemes"]["user-password"] == {"type": "userPassword"}
    assert "hidden" not in json.dumps(document)


def test_channels_come_in_order_and_hidden_ones_do_not(describe: Any) -> None:
    """Declaration order is kept, also of passing subscribers; hidden parts stay hidden."""
    broker = MemoryBroker()
    passing = [broker.subscriber(f"passing{i}", persistent=False) for i in range(20)]
    for subscriber in passing:

        @subscriber
        async def handle(body: int) -> None: ...

    broker.subscriber("hidden", include_in_schema=False)(lambda body: None)
    broker.publisher("hidden", include_in_schema=False)
    secret = MemoryRouter("secret.", include_in_schema=False)
    secret.subscriber("hidden")(lambda body: None)
    shown = MemoryRouter("shown.")
    shown.publisher("out")
    broker.include_routers(secret, shown)
    document = describe(broker)
    expected = [f"passing{i}:Handle" for i in range(20)]
    assert list(document["channels"]) == [*expected, "shown.out:Publisher"]
    assert document["channels"]["shown.out:Publisher"]["address"] == "shown.out"


def test_addresses_keep_what_keys_cannot_have(describe: Any) -> None:
    """Slashes, braces and spaces are legal; the address is the broker's own."""
    broker = MemoryBroker()

    @broker.subscriber("a/b.{name}.*", title="My title/x")
    async def handle(body: int) -> None: ...

    document = describe(broker)
    channel = document["channels"]["My title.x"]
    assert channel["address"] == "a/b.{name}.*"
    assert channel["parameters"] == {"name": {}}
    message = channel["messages"]["SubscribeMessage"]["$ref"]
    assert message == "#/components/messages/My%20title.x:SubscribeMessage"
    assert document["operations"]["My title.x"]["action"] == "receive"
    titles = [message["title"] for message in document["components"]["messages"].values()]
    assert titles == ["My title/x:SubscribeMessage"]


def test_namesakes_among_channels_are_both_there(describe: Any) -> None:
    """Two different channels of one key: a warning, and none is lost; equal ones are one."""
    broker = MemoryBroker()
    broker.publisher("same", schema=int)
    broker.publisher("same", schema=int)
    assert list(describe(broker)["channels"]) == ["same:Publisher"]
    broker.publisher("same", schema=str)
    with pytest.warns(RuntimeWarning, match="same:Publisher"):
        document = describe(broker)
    assert list(document["channels"]) == ["same:Publisher", "same:Publisher:2"]
    types = [schema["type"] for schema in document["components"]["schemas"].values()]
    assert types == ["integer", "string"]


def test_http_endpoints(describe: Any) -> None:
    """Endpoints are channels with an HTTP binding, unless they hide."""
    from anystream.asgi import get, make_ping_asgi, post

    @get(description="Lists.")
    async def listing(scope: Any) -> Any: ...

    @post(include_in_schema=False)
    async def hidden(scope: Any) -> Any: ...

    broker = MemoryBroker()
    routes = (
        ("/a/{b}-c/", listing),
        ("/hidden", hidden),
        ("/health", make_ping_asgi(broker, include_in_schema=True)),
    )
    document = describe(broker, routes=routes)
    assert list(document["channels"]) == ["a_bc:HttpChannel", "health:HttpChannel"]
    assert document["channels"]["a_bc:HttpChannel"] == {
        "address": "/a/{b}-c/",
        "description": "Lists.",
        "messages": {},
    }
    assert document["operations"]["a_bc:HttpChannel"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/a_bc:HttpChannel"},
        "bindings": {"http": {"method": "GET", "bindingVersion": "0.3.0"}},
        "messages": [],
    }


def test_yaml_is_the_same_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML has the order of the JSON; without PyYAML the error says what to install."""
    broker = MemoryBroker()
    broker.publisher("ä", schema=Order)
    specification = AsyncAPI(broker, title="Ä").to_specification()
    text = specification.to_yaml()
    assert yaml.safe_load(text) == specification.to_jsonable()
    assert text.startswith("info:\n  title: Ä")
    assert specification.title == "Ä"
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="pip install pyyaml"):
        specification.to_yaml()


async def test_describing_leaves_a_running_broker_alone(describe: Any) -> None:
    """The pipelines stay the same objects and the broker needs no start to be described."""
    broker = MemoryBroker()
    got: list[int] = []

    @broker.subscriber("numbers")
    async def handle(body: int) -> None:
        got.append(body)

    before = describe(broker)
    assert not broker.connected
    assert broker.subscribers[0].pipeline is None
    await broker.start()
    try:
        pipeline = broker.subscribers[0].pipeline
        known = dict(broker.provider.dependencies)
        assert describe(broker) == before
        assert broker.subscribers[0].pipeline is pipeline
        assert broker.provider.dependencies == known
    finally:
        await broker.stop()


def test_an_application_describes_its_brokers() -> None:
    """`app.schema` has every broker once, however often it is asked."""
    first, second = MemoryBroker(), MemoryBroker(specification_url="memory://second")
    app = FastStream(first)
    app.add_broker(second)
    assert app.schema.brokers == app.schema.brokers == [first, second]
    assert len(app.schema.to_specification().to_jsonable()["servers"]) == 2


def test_what_is_no_broker(describe: Any) -> None:
    """A broker of another make is left out with a warning; anything else is refused."""
    with pytest.warns(RuntimeWarning, match="leaves it out"):
        assert describe(RecordingBroker())["servers"] == {}
    with pytest.raises(SetupError, match="no broker"):
        AsyncAPI(object())


def test_declarations_show_their_own_part() -> None:
    """`subscriber.schema()` and `publisher.schema()` give their channels by key."""
    broker = MemoryBroker()
    subscriber = broker.subscriber("in")
    publisher = broker.publisher("out")
    assert list(subscriber.schema()) == ["in:Subscriber"]
    assert list(publisher.schema()) == ["out:Publisher"]
    assert broker.subscriber("x", include_in_schema=False).schema() == {}


def test_a_thousand_subscribers(describe: Any) -> None:
    """Every one has its channel, operation and message; models are shared."""
    broker = MemoryBroker()
    for number in range(1000):

        @broker.subscriber(f"in.{number}")
        async def handle(order: Order) -> None: ...

    document = describe(broker)
    assert len(document["channels"]) == len(document["operations"]) == 1000
    assert len(document["components"]["messages"]) == 1000
    assert list(document["components"]["schemas"]) == ["Order"]


def test_a_service_without_a_document_loads_none_of_it() -> None:
    """The application's imports leave the making of documents and schemas out."""
    code = (
        "import sys, anystream.core, anystream.memory, anystream.specification\n"
        "heavy = 'anystream.specification.'\n"
        "print([name for name in sys.modules if name.startswith(heavy) or name == 'yaml'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
