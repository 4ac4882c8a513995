"""Whatever handlers look like, both documents are valid and describe every one of them."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import uuid
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union

import msgspec
from fast_depends.msgspec import MsgSpecSerializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model
from typing_extensions import TypedDict

from anystream.core import Context, Depends, Header
from anystream.memory import MemoryBroker
from tests.specification.conftest import Describe

T = TypeVar("T")


class Tree(BaseModel):
    name: str
    children: list[Tree] = []
    parent: Tree | None = None


class Page(BaseModel, Generic[T]):
    items: list[T]
    following: Page[T] | None = None


@dataclasses.dataclass
class Point:
    x: int
    inner: Point | None = None


class Pair(TypedDict, total=False):
    left: int
    right: Tree


class Row(NamedTuple):
    name: str
    size: int = 0


class Packed(msgspec.Struct):
    id: int
    nested: Packed | None = None


class Color(enum.Enum):
    RED = "red"
    NUMBER = 1


class Opaque:
    """No library knows it."""


SIMPLE: Sequence[Any] = (
    int,
    str,
    float,
    bool,
    bytes,
    None,
    Any,
    dict,
    list,
    object,
    datetime.datetime,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
    complex,
    Color,
    Literal["a/b", 1, None],
    Opaque,
    Callable[[int], str],
    Tree,
    Page[int],
    Page[Tree],
    Point,
    Pair,
    Row,
    Packed,
)
TEXTS = st.text(max_size=12)
NAMES = st.text(st.characters(codec="ascii", exclude_characters="\0{}"), min_size=1, max_size=10)
FIELD_NAMES = st.sampled_from(
    ["id", "type", "ref", "class_", "körper", "x_y", "properties", "items"]
)


def widened(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Annotations of annotations."""
    two = st.tuples(inner, inner)
    return st.one_of(
        inner.map(lambda it: list[it]),
        inner.map(lambda it: dict[str, it]),
        inner.map(lambda it: Optional[it]),  # noqa: UP045
        inner.map(lambda it: tuple[it, ...]),
        two.map(lambda it: Union[it[0], it[1]]),  # noqa: UP007
        two.map(lambda it: tuple[it[0], it[1]]),
        st.tuples(inner, TEXTS, TEXTS).map(
            lambda it: Annotated[it[0], Field(title=it[1] or None, description=it[2])]
        ),
        st.tuples(st.sampled_from(["Same", "Model", "A b"]), FIELD_NAMES, inner).map(model),
    )


def model(parts: tuple[str, str, Any]) -> Any:
    """A model whose name others have, too."""
    name, field, annotation = parts
    try:
        return create_model(name, **{field: (annotation, ...)})
    except Exception:  # pydantic makes no such model, so nobody can pass it
        return int


ANNOTATIONS = st.recursive(st.sampled_from(SIMPLE), widened, max_leaves=4)


def depended(key: int, other: Tree | None = None) -> Any:
    return key


MARKERS = st.sampled_from([Context(), Header(), Depends(depended)])


@st.composite
def handlers(draw: st.DrawFn) -> Any:
    """A function with odd parameters."""
    kinds = inspect.Parameter
    params = []
    for name in draw(st.lists(FIELD_NAMES, max_size=3, unique=True)):
        annotation = draw(st.one_of(ANNOTATIONS, st.just(kinds.empty)))
        default = draw(st.one_of(st.just(kinds.empty), st.just(kinds.empty), MARKERS, st.none()))
        params.append(kinds(name, kinds.KEYWORD_ONLY, annotation=annotation, default=default))
    if draw(st.booleans()):
        params.append(kinds("rest", kinds.VAR_KEYWORD))

    async def handle(**values: Any) -> Any: ...

    handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        params, return_annotation=draw(st.one_of(ANNOTATIONS, st.just(inspect.Signature.empty)))
    )
    handle.__name__ = draw(st.sampled_from(["handle", "on_it", "größe", "<lambda>", "a.b"]))
    handle.__doc__ = draw(st.one_of(st.none(), TEXTS))
    return handle


@st.composite
def brokers(draw: st.DrawFn) -> Any:
    """A broker with odd declarations, and how many of them."""
    serializer = draw(
        st.sampled_from([{}, {"serializer": MsgSpecSerializer()}, {"apply_types": False}])
    )
    broker = MemoryBroker(
        specification_url=draw(st.sampled_from(["memory://u:p@h/x", "h:1", "a b"])),
        description=draw(TEXTS),
        tags=draw(st.lists(NAMES, max_size=2, unique=True)),
        **serializer,
    )
    count = draw(st.integers(1, 4))
    for number in range(count):
        title = draw(st.one_of(st.none(), NAMES))
        subscriber = broker.subscriber(
            f"in/{number}.{{name}}.>", title=title and f"{title}{number}"
        )
        for index in range(draw(st.integers(0, 2))):
            handler = draw(handlers())
            if draw(st.booleans()):
                handler = broker.publisher(f"out.{number}.{index}")(handler)
            subscriber(handler)
    return broker, count


@given(made=brokers(), title=TEXTS)
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_handler_is_in_a_valid_document(describe: Describe, made: Any, title: str) -> None:
    """Both versions are valid, and the receiving channels are as many as the subscribers."""
    broker, count = made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = describe(broker, title=title)
    received = [it for it in document["operations"].values() if it["action"] == "receive"]
    assert len(received) == count
