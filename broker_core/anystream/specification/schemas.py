"""JSON schemas of Python annotations, made by the libraries that validate them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from anystream.specification.model import REFERENCE, Described


class Schemas:
    """Makes schemas and remembers them.

    Args:
        serializer: what validates the bodies; its library is asked first.
    """

    def __init__(self, serializer: Any) -> None:
        own: Any = getattr(serializer, "config", None) or {}
        self.config: Any = {"arbitrary_types_allowed": True, **own}
        self.makers: list[Callable[[Any], Described]] = [self._by_pydantic]
        if type(serializer).__name__ == "MsgSpecSerializer":
            self.makers.insert(0, _by_msgspec)
        elif "msgspec" in sys.modules:
            self.makers.append(_by_msgspec)
        self._known: dict[Any, Described] = {}

    def make(self, annotation: Any) -> Described:
        """The schema of an annotation; what no library can describe is left open."""
        try:
            known = self._known.get(annotation)
        except TypeError:  # an annotation without a hash
            return self._make(annotation)
        if known is None:
            known = self._known[annotation] = self._make(annotation)
        return known

    def _make(self, annotation: Any) -> Described:
        partial: Described | None = None
        problem = ""
        for maker in self.makers:
            try:
                made = maker(annotation)
            except Exception as error:
                problem = problem or f"{type(error).__name__}: {error}"
                continue
            if not made.problem:
                return made
            partial = partial or made
        return partial or Described({}, problem=problem)

    def _by_pydantic(self, annotation: Any) -> Described:
        generator = _Generator(ref_template=REFERENCE + "{model}")
        schema = generator.generate_inner(self._core_schema(annotation))
        return Described(
            schema,
            {str(name): it for name, it in generator.definitions.items()},
            generator.full_names,
            "; ".join(dict.fromkeys(generator.problems)),
        )

    def _core_schema(self, annotation: Any) -> Any:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return TypeAdapter(annotation).core_schema
        try:
            return TypeAdapter(annotation, config=self.config).core_schema
        except Exception as error:
            # some types bring their own configuration and refuse another one
            if getattr(error, "code", None) != "type-adapter-config-unused":
                raise
            return TypeAdapter(annotation).core_schema


class _Generator(GenerateJsonSchema):
    """Leaves open what has no schema, and names definitions by itself.

    Pydantic first gives definitions long names and then looks for short ones; in a document with
    a thousand channels that search is most of the time.
    """

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.problems: list[str] = []
        self.full_names: dict[str, str] = {}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        self.problems.append(error_info)
        return {}

    def encode_default(self, dft: Any) -> Any:
        # the general way makes a serializer for each of them
        return dft if isinstance(dft, _PLAIN) else super().encode_default(dft)

    def get_defs_ref(self, core_mode_ref: Any) -> Any:
        """The name of a definition; pydantic asks once for each class."""
        full = str(core_mode_ref[0]).replace(".<locals>", "")
        parts = [part.rpartition(":")[0] or part for part in _BRACKETS.split(full)]
        short = _legal("".join(part.rpartition(".")[2] for part in parts))
        long = _legal("".join(parts))
        name = short if short not in self.full_names else long
        number = 1
        while name in self.full_names:
            number += 1
            name = f"{long}_{number}"
        self.full_names[name] = long
        return name


_PLAIN = (str, int, float, bool, type(None))
_BRACKETS = re.compile(r"([\[\],])")


def _legal(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def _by_msgspec(annotation: Any) -> Described:
    import msgspec

    (schema,), definitions = msgspec.json.schema_components(
        [annotation], ref_template=REFERENCE + "{name}"
    )
    full_names = {}
    if isinstance(annotation, type):
        full = f"{annotation.__module__}.{annotation.__qualname__}".replace(".<locals>", "")
        full_names[annotation.__name__] = full
    return Described(schema, definitions, full_names)
