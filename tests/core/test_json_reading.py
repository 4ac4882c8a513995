"""Reading a model straight from a JSON body gives what parsing and validating gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Optional, Union

import pytest
from fast_depends import Provider
from fast_depends.pydantic import PydanticSerializer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import AliasPath, BaseModel, ConfigDict, Field, RootModel, field_validator

from anystream.core.codec import load_json
from anystream.core.json_reading import json_reader
from anystream.core.plain_call import plain_call


class Inner(BaseModel):
    model_config = ConfigDict(extra="allow", str_strip_whitespace=True)
    name: str = Field("none", max_length=4)


class Wide(BaseModel):
    whole: int = 1
    part: float = Field(0.5, gt=-10)
    text: str = "text"
    yes: bool = True
    maybe: Optional[int] = None  # noqa: UP045
    many: list[float] = []
    named: dict[str, int] = {}
    inner: Inner = Inner(name="none")
    inners: list[Inner] | None = None
    anything: Any = None
    other: str = Field("x", alias="an-other")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    whole: int


class StrictField(BaseModel):
    whole: Annotated[int, Field(strict=True)]


class Either(BaseModel):
    which: Union[int, str]  # noqa: UP007


class Money(BaseModel):
    amount: Decimal


class Numbered(BaseModel):
    names: dict[int, str]


class Checked(BaseModel):
    whole: int

    @field_validator("whole", mode="before")
    @classmethod
    def double(cls, value: Any) -> Any:
        return value * 2


class Deep(BaseModel):
    whole: int = Field(validation_alias=AliasPath("a", "b"))


class Listed(RootModel[list[int]]):
    pass


def call_of(model: type[BaseModel]) -> Any:
    """A handler of one argument, as it is frozen."""

    async def handler(body):  # type: ignore[no-untyped-def]
        return body

    handler.__annotations__["body"] = model
    call = plain_call(handler, Provider(), PydanticSerializer())
    assert call is not None
    return call


@pytest.mark.parametrize(
    "model", [Strict, StrictField, Either, Money, Numbered, Checked, Deep, Listed]
)
def test_models_that_may_tell_json_from_values(model: type[BaseModel]) -> None:
    """Such a model is validated from the parsed value."""
    assert json_reader(call_of(model)) is None


NAMES = ["whole", "part", "text", "yes", "maybe", "many", "named", "inner", "inners", "anything"]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["1", "1.5", "yes", "off", " a ", "", "true", "1e3", "\ud800", "ä", "nan"]),
)
values = st.recursive(
    leaves,
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(st.sampled_from(["name", "a", "1"]), inside, max_size=3),
    ),
    max_leaves=6,
)
pairs = st.lists(st.tuples(st.sampled_from([*NAMES, "an-other", "more"]), values), max_size=5)


def written(found: list[tuple[str, Any]]) -> bytes:
    """JSON of an object whose keys may stand there twice."""
    inside = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found)
    return b"{%s}" % inside.encode()


def outcome(read: Callable[[Any], Any], value: Any) -> str | None:
    try:
        return repr(read(value))
    except ValueError:
        return None


@settings(max_examples=400)
@given(pairs)
@example([("whole", 1), ("whole", "2")])
@example([("whole", True), ("yes", 1.0), ("part", 3), ("maybe", 2.0)])
@example([("part", float("nan")), ("anything", float("inf"))])
@example([("whole", 2**65), ("named", {"a": 2**65})])
@example([("inner", {"name": " ab  ", "a": [1, {"b": None}]})])
def test_the_short_way_gives_what_the_long_one_gives(found: list[tuple[str, Any]]) -> None:
    """What it accepts, it makes the same value of; what it refuses goes the long way."""
    data = written(found)
    read = json_reader(call_of(Wide))
    assert read is not None
    short = outcome(read, data)
    if short is not None:
        assert short == outcome(Wide.__pydantic_validator__.validate_python, load_json(data))
