"""Markers of the other library: accepted where their meaning is clear, else refused with advice."""

import json
from typing import Annotated, Any

import pytest
from fastapi import Body, Depends, FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from anystream.core import Context as OwnContext
from anystream.core import Depends as OwnDepends
from anystream.core import Header as OwnHeader
from anystream.core import Path as OwnPath
from anystream.core.exceptions import BindingError, SetupError
from anystream.fastapi.context import Context
from anystream.fastapi.memory import MemoryBroker, MemoryRouter
from anystream.memory import MemoryBroker as PlainBroker
from anystream.memory import TestMemoryBroker


def number() -> int:
    return 1


async def own_depends(x: Annotated[int, OwnDepends(number)]) -> None: ...


async def own_default(x: int = OwnDepends(number)) -> None: ...


async def own_header(user: Annotated[str, OwnHeader()]) -> None: ...


async def own_path(user: str = OwnPath()) -> None: ...


async def own_context(broker: Annotated[Any, OwnContext()]) -> None: ...


async def context(broker: Annotated[Any, Context("broker")]) -> None: ...


async def annotation(broker: MemoryBroker) -> None: ...


async def as_text(x: "Annotated[int, OwnDepends(number)]") -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "advice"),
    [
        (own_depends, "import Depends from fastapi"),
        (own_default, "import Depends from fastapi"),
        (as_text, "import Depends from fastapi"),
        (own_header, "import Header from fastapi"),
        (own_path, "import Path from fastapi"),
        (own_context, r"router\.broker"),
        (context, r"router\.broker"),
        (annotation, r"router\.broker"),
    ],
)
def test_http_endpoints_refuse_what_only_messages_have(endpoint: Any, advice: str) -> None:
    """When the endpoint is declared, with its name and place."""
    with pytest.raises(SetupError, match=rf"{endpoint.__name__}.*test_plugin_markers.*{advice}"):
        MemoryRouter(logger=None).get("/x")(endpoint)


def test_of_two_markers_the_endpoint_takes_fastapis() -> None:
    """A function may be an endpoint and a handler elsewhere."""
    router = MemoryRouter(logger=None, schema_url=None)

    @router.get("/x")
    async def both(x: Annotated[int, OwnDepends(lambda: 2), Depends(number)]) -> int:
        return x

    app = FastAPI()
    app.include_router(router)
    assert TestClient(app).get("/x").json() == 1


async def test_dependencies_of_the_router_may_be_of_either_library() -> None:
    """They run for HTTP endpoints and for messages."""
    ran: list[str] = []
    router = MemoryRouter(logger=None, dependencies=[OwnDepends(lambda: ran.append("router"))])

    @router.get("/x", dependencies=[OwnDepends(lambda: ran.append("endpoint"))])
    async def get() -> None: ...

    @router.subscriber("in", dependencies=[OwnDepends(lambda: ran.append("subscriber"))])
    async def handle(text: str) -> None: ...

    app = FastAPI()
    app.include_router(router)
    assert TestClient(app).get("/x").status_code == 200
    async with TestMemoryBroker(router.broker) as broker:
        await broker.publish("a", "in")
    assert ran == ["router", "endpoint", "router", "subscriber"]
    with pytest.raises(SetupError, match="no dependency"):
        MemoryRouter(dependencies=[number])


async def test_a_class_without_its_annotation_is_named() -> None:
    """With the import that is missing, before FastAPI's own words."""
    router = MemoryRouter(logger=None)

    @router.subscriber("in")
    async def handle(text: str, broker: PlainBroker) -> None: ...

    with pytest.raises(BindingError, match=r"FastAPI: `broker: MemoryBroker` .* import Memory"):
        async with TestMemoryBroker(router.broker):
            pass


@pytest.mark.parametrize("marker", [Depends(number), Query(), Body(), Context("broker")])
async def test_plain_brokers_refuse_fastapis_markers(marker: Any) -> None:
    """With the import that they understand."""
    broker = PlainBroker(logger=None)

    @broker.subscriber("in")
    async def handle(text: str, x: Any = marker) -> None: ...

    with pytest.raises(SetupError, match=r"handle.*`x` has FastAPI's .* from anystream\.core"):
        async with TestMemoryBroker(broker):
            pass


class User(BaseModel):
    """A body."""

    name: str
    size: int = Field(1, alias="userSize", gt=0)


async def beside(user: User, level: int = 2) -> None: ...


async def optional(user: User | None, level: int) -> None: ...


async def embedded(user: Annotated[User, Body(embed=True)], level: int) -> None: ...


async def alone(user: User) -> None: ...


NAME = {"title": "Name", "type": "string"}
SIZE = {"title": "Usersize", "type": "integer", "default": 1, "exclusiveMinimum": 0}
LEVEL = {"title": "Level", "type": "integer"}


@pytest.mark.parametrize(
    ("function", "properties", "required"),
    [
        (beside, {"name": NAME, "userSize": SIZE, "level": {**LEVEL, "default": 2}}, ["name"]),
        (optional, {"name": NAME, "userSize": SIZE, "level": LEVEL}, ["name", "level"]),
        (
            embedded,
            {"level": LEVEL, "user": {"$ref": "#/components/schemas/User"}},
            ["level", "user"],
        ),
        (alone, {"name": NAME, "userSize": SIZE}, ["name"]),
    ],
)
def test_the_document_has_the_keys_of_bodies(
    function: Any, properties: dict[str, Any], required: list[str]
) -> None:
    """Side by side where a body has them side by side."""
    router = MemoryRouter(logger=None)
    router.subscriber("in")(function)
    document = json.loads(router.schema.to_specification().to_json())
    (message,) = document["components"]["messages"].values()
    schema = document["components"]["schemas"][message["payload"]["$ref"].rpartition("/")[2]]
    assert (schema["properties"], schema["required"]) == (properties, required)
