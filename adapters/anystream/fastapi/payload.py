"""What a handler and its dependencies take from a body, for the AsyncAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from fast_depends.library.serializer import OptionItem
from pydantic import BaseModel, RootModel

from anystream.fastapi.framework import Call, Field


def taken_from_body(root: Call) -> list[OptionItem]:
    """The keys that a body must or may have; one item alone may be the body itself.

    A model with scalars beside it is shown as a body has them: side by side.

    Args:
        root: the handler.
    """
    # the handler's own first
    calls = (root, *(it for it in root.walk() if it is not root))
    fields = [it for call in calls for it in call.fields if it.source in ("query", "body")]
    if not root.embeds and len({it.source for it in fields}) > 1:
        fields.sort(key=lambda it: it.source)  # the body
        items = (item for field in fields for item in _side_by_side(field))
    else:
        items = (_item(field) for field in fields)
    found: dict[str, OptionItem] = {}
    for item in items:
        found.setdefault(item.field_name, item)
    return list(found.values())


def _item(field: Field) -> OptionItem:
    info = field.info
    default = ... if field.required else field.default()
    described = any((info.title, info.description, info.examples, info.metadata))
    return OptionItem(field.alias, field.annotation, default_value=info if described else default)


def _side_by_side(field: Field) -> Iterator[OptionItem]:
    model = _model_of(field.annotation) if field.source == "body" else None
    if model is None:
        yield _item(field)
        return
    for name, info in model.model_fields.items():
        yield OptionItem(name, info.annotation, default_value=info)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model, also of `Model | None`, if its fields are the keys of a body."""
    kinds = [it for it in get_args(annotation) or (annotation,) if it is not type(None)]
    if len(kinds) != 1 or not isinstance(kinds[0], type):
        return None
    kind = kinds[0]
    return kind if issubclass(kind, BaseModel) and not issubclass(kind, RootModel) else None
