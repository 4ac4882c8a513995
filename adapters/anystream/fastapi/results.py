"""What a handler returns, in the form in which it is published."""

from __future__ import annotations

from copy import copy
from typing import Any, TypedDict

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import ResponseValidationError
from pydantic import TypeAdapter, ValidationError

from anystream.core.response import Response


class ResponseOptions(TypedDict, total=False):
    """How results are shaped, as in FastAPI's HTTP endpoints.

    Keys:
        response_model: results are validated against it and reduced to it; None for no model.
        response_model_include, response_model_exclude: fields that are kept, or left out.
        response_model_by_alias: whether fields get their aliases; True by default.
        response_model_exclude_unset, response_model_exclude_defaults,
        response_model_exclude_none: whether such fields are left out; False by default.
    """

    response_model: Any
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool


class ResultShape:
    """Makes JSON types of results.

    Args:
        options: see `ResponseOptions`.
    """

    def __init__(self, options: ResponseOptions) -> None:
        model = options.get("response_model")
        self.model: TypeAdapter[Any] | None = None if model is None else TypeAdapter(model)
        self._options: dict[str, Any] = {
            "include": options.get("response_model_include"),
            "exclude": options.get("response_model_exclude"),
            "by_alias": options.get("response_model_by_alias", True),
            "exclude_unset": options.get("response_model_exclude_unset", False),
            "exclude_defaults": options.get("response_model_exclude_defaults", False),
            "exclude_none": options.get("response_model_exclude_none", False),
        }

    def shape(self, result: Any) -> Any:
        """The result with a body of JSON types.

        Raises:
            ResponseValidationError: it does not fit the response model.
        """
        if isinstance(result, Response):
            twin = copy(result)
            twin.body = self._body(result.body)
            return twin
        if isinstance(result, (list, tuple)) and any(isinstance(it, Response) for it in result):
            return [self.shape(it) for it in result]  # a batch with options of its own
        return self._body(result)

    def _body(self, body: Any) -> Any:
        if self.model is not None:
            try:
                value = self.model.validate_python(body, from_attributes=True)
            except ValidationError as error:
                problems = [
                    {**it, "loc": ("response", *it["loc"])}
                    for it in error.errors(include_url=False)
                ]
                raise ResponseValidationError(problems, body=body) from error
            return self.model.dump_python(value, mode="json", **self._options)
        if body is None or type(body) in (str, int, float, bool):
            return body
        if isinstance(body, bytes):
            return body.decode()
        return jsonable_encoder(body, **self._options)
