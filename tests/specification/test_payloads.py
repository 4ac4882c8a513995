"""How handlers and publishers of every shape are described."""

import dataclasses
import enum
import functools
import json
import warnings
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from urllib.parse import unquote

import msgspec
import pytest
from fast_depends.msgspec import MsgSpecSerializer
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from anystream.core import Context, Depends, Header, Logger, Path, Response
from anystream.memory import MemoryBroker, MemoryMessage

T = TypeVar("T")

ORDER = {
    "properties": {"id": {"title": "Id", "type": "integer"}},
    "required": ["id"],
    "title": "Order",
    "type": "object",
}


class Order(BaseModel):
    id: int


class Invoice(BaseModel):
    order: Order
    paid: bool = False


class Page(BaseModel, Generic[T]):
    items: list[T]


class Tree(BaseModel):
    children: list["Tree"] = []


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Pair(TypedDict):
    left: int
    right: Order


class Row(NamedTuple):
    name: str
    size: int


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Packed(msgspec.Struct):
    id: int
    nested: Optional["Packed"] = None


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Opaque:
    """No library knows it."""


def shout(name: str) -> str:
    return name.upper()


def look_up(key: int, loud: Annotated[str, Depends(shout)]) -> str:
    return f"{loud}{key}"


@pytest.fixture
def schema_of(describe: Any) -> Any:
    """Describes one handler; returns the payload's name, its schema and all schemas."""

    def make(handler: Any, **options: Any) -> Any:
        broker_options = options.pop("broker", {})
        broker = MemoryBroker(**broker_options)
        broker.subscriber("in", **options)(handler)
        components = describe(broker)["components"]
        (message,) = components["messages"].values()
        name = unquote(message["payload"]["$ref"].rpartition("/")[2])
        return name, components["schemas"][name], components["schemas"]

    return make


NAME = "Handle:Message:Payload"


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (int, {"type": "integer"}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045
        (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),  # noqa: UP007
        (list[Order], {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Any, {}),
        (
            tuple[int, str],
            {
                "type": "array",
                "items": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            {
                "discriminator": "kind",
                "oneOf": [
                    {"$ref": "#/components/schemas/Cat"},
                    {"$ref": "#/components/schemas/Dog"},
                ],
            },
        ),
        (
            Annotated[Order, Field(description="the one")],
            {"allOf": [{"$ref": "#/components/schemas/Order"}], "description": "the one"},
        ),
        (
            Annotated[int, Field(ge=1, examples=[2])],
            {"type": "integer", "minimum": 1, "examples": [2]},
        ),
    ],
)
def test_one_parameter_that_is_no_model(schema_of: Any, annotation: Any, schema: Any) -> None:
    """Its schema is named after the handler."""

    async def handle(body: annotation) -> None: ...

    assert schema_of(handle)[:2] == (NAME, {"title": NAME, **schema})


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Order, "Order"),
        (Point, "Point"),
        (Pair, "Pair"),
        (Color, "Color"),
        (Tree, "Tree"),
        (Page[Order], "Page_Order_"),
        (Packed, "Packed"),
    ],
)
def test_one_parameter_that_is_a_model(schema_of: Any, annotation: Any, name: str) -> None:
    """A class with a schema of its own keeps its name; recursion and generics are no trouble."""

    async def handle(body: annotation) -> None: ...

    found, schema, _ = schema_of(handle)
    assert found == name
    assert schema["title"] == getattr(annotation, "__name__", name)


def test_what_stands_inside_a_model_is_hoisted(schema_of: Any) -> None:
    """Nested models are schemas of their own, once."""

    async def handle(body: Page[Invoice]) -> None: ...

    _, _, schemas = schema_of(handle)
    assert list(schemas) == ["Order", "Invoice", "Page_Invoice_"]
    assert schemas["Order"] == ORDER
    assert schemas["Invoice"]["properties"]["order"] == {"$ref": "#/components/schemas/Order"}


def test_untyped_and_empty(schema_of: Any) -> None:
    """Without an annotation anything goes, without a parameter nothing is read."""

    async def handle(body): ...  # type: ignore[no-untyped-def]

    async def nothing() -> None: ...

    async def gather(*args: int) -> None: ...

    assert schema_of(handle)[:2] == (NAME, {"title": NAME})
    assert schema_of(nothing)[:2] == ("EmptyPayload", {"title": "EmptyPayload", "type": "null"})
    assert schema_of(gather)[1] == {"title": "Gather:Message:Payload"}


def test_only_the_body_counts(schema_of: Any) -> None:
    """What comes from the context is no part of the body."""

    async def handle(
        body: Order,
        logger: Logger,
        message: MemoryMessage,
        token: str = Header(),
        region: str = Path(default=""),
        anything: Any = Context("app", default=None),
    ) -> None: ...

    assert schema_of(handle)[0] == "Order"


def test_several_parameters(schema_of: Any) -> None:
    """They are the properties of one object, those of dependencies included."""

    async def handle(
        order: Order,
        user_id: int,
        color: Color = Color.RED,
        note: str | None = None,
        size: int = Field(3, ge=1, title="How many", alias="count"),
        found: str = Depends(look_up),
    ) -> None: ...

    name, schema, schemas = schema_of(handle)
    assert name == NAME
    assert schema == {
        "title": NAME,
        "type": "object",
        "properties": {
            "order": {"$ref": "#/components/schemas/Order"},
            "user_id": {"title": "User Id", "type": "integer"},
            "color": {"$ref": "#/components/schemas/Color"},
            "note": {
                "title": "Note",
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
            },
            "count": {"title": "How many", "type": "integer", "minimum": 1, "default": 3},
            "key": {"title": "Key", "type": "integer"},
            "name": {"title": "Name", "type": "string"},
        },
        "required": ["order", "user_id", "key", "name"],
    }
    assert set(schemas) == {NAME, "Order", "Color"}


def test_dependencies_of_layers_count(schema_of: Any) -> None:
    """What a broker's and a subscriber's dependencies read is part of the body."""

    async def handle(body: int) -> None: ...

    broker = {"dependencies": [Depends(shout)]}
    _, schema, _ = schema_of(handle, broker=broker, dependencies=[Depends(look_up)])
    assert set(schema["properties"]) == {"body", "name", "key"}


def test_without_injection_every_parameter_is_of_the_body(schema_of: Any) -> None:
    """`apply_types=False` makes markers plain defaults."""

    async def handle(body: int, token: str = "x") -> None: ...

    _, schema, _ = schema_of(handle, broker={"apply_types": False})
    assert set(schema["properties"]) == {"body", "token"}


def test_field_of_a_single_parameter(schema_of: Any) -> None:
    """Its title names the schema."""

    async def handle(body: int = Field(title="Amount", description="of money", gt=0)) -> None: ...

    assert schema_of(handle)[:2] == (
        "Amount",
        {"title": "Amount", "description": "of money", "type": "integer", "exclusiveMinimum": 0},
    )


def test_a_batch_is_described_message_by_message(schema_of: Any) -> None:
    """The handler takes a list, the channel carries single orders."""

    async def handle(body: list[Order]) -> None: ...

    assert schema_of(handle, batch=True)[0] == "Order"


def test_msgspec_handlers(schema_of: Any) -> None:
    """With msgspec's serializer msgspec makes the schemas; models of pydantic still have one."""
    options = {"broker": {"serializer": MsgSpecSerializer()}}

    async def handle(
        body: Packed, other: Annotated[int, msgspec.Meta(ge=1)], order: Order
    ) -> None: ...

    _, schema, schemas = schema_of(handle, **options)
    assert schema["properties"]["body"] == {"$ref": "#/components/schemas/Packed"}
    assert schema["properties"]["other"] == {"title": "Other", "type": "integer", "minimum": 1}
    assert schemas["Order"] == ORDER
    assert "#/components/schemas/Packed" in json.dumps(schemas["Packed"])


def test_callables_of_other_kinds(schema_of: Any) -> None:
    """Partials, objects and plain functions can be handlers, too."""

    class Taker:
        async def __call__(self, body: Order) -> None: ...

    def two(prefix: str, body: Order) -> None: ...

    assert schema_of(Taker())[0] == "Order"
    assert schema_of(functools.partial(two, "x"))[0] in ("Order", "Two:Message:Payload")
    assert schema_of(lambda body: None)[1] == {"title": "<Lambda>:Message:Payload"}


def test_an_unknown_type_stops_nothing(describe: Any) -> None:
    """The handler is named in a warning, its unknown part is open, the others are described."""
    broker = MemoryBroker()

    @broker.subscriber("known")
    async def known(body: Order) -> None: ...

    @broker.subscriber("partly")
    async def partly(body: int, strange: Opaque) -> None: ...

    @broker.subscriber("unknown")
    async def unknown(body: Opaque) -> None: ...

    @broker.subscriber("broken")
    async def broken(body: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        document = describe(broker)
    texts = [str(warning.message) for warning in caught]
    assert [warning.category for warning in caught] == [RuntimeWarning] * 3
    for name, text in zip(["partly", "unknown", "broken"], texts, strict=True):
        assert f"{name}`" in text
        assert "test_payloads.py:" in text
    schemas = document["components"]["schemas"]
    assert schemas["Partly:Message:Payload"]["properties"] == {
        "body": {"title": "Body", "type": "integer"},
        "strange": {"title": "Strange"},
    }
    assert schemas["Unknown:Message:Payload"] == {"title": "Unknown:Message:Payload"}
    assert schemas["Broken:Message:Payload"] == {"title": "Broken:Message:Payload"}
    assert schemas["Order"] == ORDER


def test_an_unknown_field_leaves_the_rest_of_its_model(describe: Any) -> None:
    """One field without a schema does not take its model away."""

    class Mixed(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        good: int
        bad: Opaque

    broker = MemoryBroker()

    @broker.subscriber("mixed")
    async def mixed(body: Mixed) -> None: ...

    with pytest.warns(RuntimeWarning, match="mixed"):
        schema = describe(broker)["components"]["schemas"]["Mixed"]
    assert schema["properties"] == {
        "good": {"title": "Good", "type": "integer"},
        "bad": {"title": "Bad"},
    }


def test_namesakes_among_models_are_told_apart(describe: Any) -> None:
    """Two classes of one name are two schemas, wherever they stand; twins are one."""

    def other() -> Any:
        class Order(BaseModel):
            code: str

        class Invoice(BaseModel):
            order: Order
            paid: bool = False

        return Order, Invoice

    def twin() -> Any:
        class Order(BaseModel):
            id: int

        return Order

    other_order, other_invoice = other()
    same_order = twin()
    broker = MemoryBroker()

    @broker.subscriber("one")
    async def one(body: Invoice, twin: same_order) -> None: ...

    @broker.subscriber("two")
    async def two(body: other_invoice) -> None: ...

    @broker.subscriber("three")
    async def three(a: Order, b: other_order) -> None: ...

    schemas = describe(broker)["components"]["schemas"]
    orders = {name: it["properties"] for name, it in schemas.items() if name.endswith("Order")}
    invoices = [name for name in schemas if name.endswith("Invoice")]
    assert len(orders) == len(invoices) == 2
    (renamed,) = orders.keys() - {"Order"}
    assert renamed.endswith("test_namesakes_among_models_are_told_apart.other.Order")
    assert list(orders["Order"]) == ["id"]
    assert list(orders[renamed]) == ["code"]
    assert schemas[invoices[1]]["properties"]["order"]["$ref"].endswith(renamed)
    three_properties = schemas["Three:Message:Payload"]["properties"]
    assert three_properties["a"]["$ref"].endswith("/Order")
    assert three_properties["b"]["$ref"].endswith(renamed)


def test_handlers_of_one_name_are_told_apart(describe: Any) -> None:
    """Their payloads are named after the address where they differ."""
    broker = MemoryBroker()
    for address, kind in (("a", int), ("b", str), ("c", int)):

        @broker.subscriber(address)
        async def handle(body: kind) -> None: ...  # type: ignore[valid-type]

    components = describe(broker)["components"]
    assert list(components["schemas"]) == [NAME, f"b:{NAME}"]
    names = [it["payload"]["$ref"].rpartition("/")[2] for it in components["messages"].values()]
    assert names == [NAME, f"b:{NAME}", NAME]


def test_several_handlers_of_one_subscriber(describe: Any) -> None:
    """The message is one of what they take."""
    broker = MemoryBroker()
    subscriber = broker.subscriber("in")

    @subscriber(filter=lambda message: message.content_type == "application/json")
    async def first(body: Order) -> None:
        """Takes orders."""

    @subscriber
    async def second(body: str) -> None: ...

    document = describe(broker)
    channel = document["channels"]["in:[First,Second]"]
    assert channel["description"] == "First: Takes orders."
    message = document["components"]["messages"]["in:[First,Second]:SubscribeMessage"]
    assert message["payload"] == {
        "oneOf": [
            {"$ref": "#/components/schemas/Order"},
            {"$ref": "#/components/schemas/Second:Message:Payload"},
        ]
    }


def test_titles_name_payloads(schema_of: Any) -> None:
    """A title stands for the handler's name everywhere."""

    async def handle(body: int) -> None: ...

    assert schema_of(handle, title="Sub")[0] == "Sub:Message:Payload"


def sent(describe: Any, *handlers: Any, **options: Any) -> Any:
    """The payload of a publisher, and all schemas."""
    broker = MemoryBroker()
    publisher = broker.publisher("out", **options)
    for handler in handlers:
        publisher(handler)
    components = describe(broker)["components"]
    return components["messages"]["out:Publisher:Message"]["payload"], components["schemas"]


def test_publishers_without_a_type(describe: Any) -> None:
    """Nothing is known, so anything goes."""

    async def untyped(body: int): ...  # type: ignore[no-untyped-def]

    async def none(body: int) -> None: ...

    async def wrapped(body: int) -> Response: ...

    name = "out:Publisher:Message:Payload"
    for handlers in ((), (untyped,), (none,), (wrapped,)):
        payload, schemas = sent(describe, *handlers)
        assert payload == {"$ref": f"#/components/schemas/{name}"}
        assert schemas == {name: {}}


def test_publishers_with_a_type(describe: Any) -> None:
    """The handler's return type, or `schema=`, which wins."""

    async def handle(body: int) -> "list[Order]": ...

    payload, schemas = sent(describe, handle)
    assert payload == {"$ref": "#/components/schemas/out:Publisher:Message:Payload"}
    assert schemas["out:Publisher:Message:Payload"]["type"] == "array"
    payload, schemas = sent(describe, handle, schema=Point)
    assert payload == {"$ref": "#/components/schemas/Point"}
    with pytest.warns(RuntimeWarning, match="out:Publisher"):
        sent(describe, schema=Opaque)


def test_publishers_of_several_handlers(describe: Any) -> None:
    """The message is one of what they return; equal ones are named once."""

    async def first(body: int) -> Order: ...

    async def second(body: int) -> Order: ...

    async def third(body: int) -> int: ...

    async def fourth(body: int) -> None: ...

    payload, _ = sent(describe, first, second, third, fourth)
    assert payload == {
        "oneOf": [
            {"$ref": "#/components/schemas/Order"},
            {"$ref": "#/components/schemas/Third:Publisher:Message:Payload"},
        ]
    }


def test_defaults_and_examples_that_do_not_fit(schema_of: Any) -> None:
    """What the schema forbids is left out; what it allows stays."""

    class Sized(BaseModel):
        size: int = None  # type: ignore[assignment]
        small: int = Field(9, le=5, examples=[1, 7, "x"])
        word: str = Field("no", min_length=3, pattern="^y", examples=["yes", "nay"])
        maybe: Optional[int] = None  # noqa: UP045
        choice: Literal["a", "b"] = "c"  # type: ignore[assignment]
        several: list[int] = Field([1], min_length=2)

    async def handle(body: Sized, count: int = None, fine: int = 3) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    _, schema, schemas = schema_of(handle)
    properties = schemas["Sized"]["properties"]
    assert {name: it.get("default", "gone") for name, it in properties.items()} == {
        "size": "gone",
        "small": "gone",
        "word": "gone",
        "maybe": None,
        "choice": "gone",
        "several": "gone",
    }
    assert properties["small"]["examples"] == [1]
    assert properties["word"]["examples"] == ["yes"]
    assert "default" not in schema["properties"]["count"]
    assert schema["properties"]["fine"]["default"] == 3
