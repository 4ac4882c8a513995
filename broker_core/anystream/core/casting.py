"""How one argument is validated, without building FastDepends' model of the whole signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, ForwardRef, Optional, get_args, get_origin

from fast_depends.library.serializer import OptionItem, Serializer, SerializerProto
from fast_depends.pydantic import PydanticSerializer
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

Cast = Callable[[Any], Any]

ANYTHING: Any = Optional[Any]  # noqa: UP045 - what FastDepends makes of an optional marker


class LazySerializer(Serializer):
    """Stands for a FastDepends serializer and makes it when it is needed.

    Making pydantic's model of a signature takes longer than all the rest of a declaration, and
    most handlers never need it: their arguments are validated one by one.
    """

    def __init__(
        self, real: SerializerProto, *, name: str, options: list[OptionItem], response_type: Any
    ) -> None:
        self.real = real
        self.name = name
        self.options = {option.field_name: option for option in options}
        self.response_type = response_type
        self._made: Serializer | None = None

    @property
    def made(self) -> Serializer:
        if self._made is None:
            self._made = self.real(
                name=self.name,
                options=list(self.options.values()),
                response_type=self.response_type,
            )
        return self._made

    def get_aliases(self) -> tuple[str, ...]:
        if any(has_alias(option) for option in self.options.values()):
            return self.made.get_aliases()
        return tuple(self.options)

    def __call__(self, call_kwargs: dict[str, Any]) -> dict[str, Any]:
        return self.made(call_kwargs)

    def response(self, value: Any) -> Any:
        if self.response_type is inspect.Parameter.empty:
            return value
        return self.made.response(value)

    def cast_for(self, option: OptionItem) -> Cast | None:
        """Validates one argument; None where anything goes."""
        return caster(self.real, option.field_type)

    def result_cast(self) -> Cast | None:
        """Validates the return value; None where the function has no annotation."""
        if self.response_type in (inspect.Parameter.empty, Any):
            return None
        real = self.real
        if type(real) is PydanticSerializer and not real.use_fastdepends_errors:
            try:
                return _pydantic_cast(real, self.response_type)
            except Exception:  # it has to be validated as FastDepends does, or fails there
                return self.response
        return self.response


class LazySerializerFactory(SerializerProto):
    """What FastDepends is given in place of the user's serializer.

    Args:
        real: the serializer that validates and encodes in the end.
    """

    def __init__(self, real: SerializerProto) -> None:
        self.real = real

    def __call__(
        self, *, name: str, options: list[OptionItem], response_type: Any
    ) -> LazySerializer:
        hints = {option.field_name: option.field_type for option in options}
        hints["return"] = response_type
        for argument, hint in hints.items():
            if isinstance(hint, (str, ForwardRef)):
                text = getattr(hint, "__forward_arg__", hint)
                raise NameError(
                    f"the annotation {text!r} of {argument!r} names nothing that is known at run "
                    "time (is it imported under TYPE_CHECKING only?)"
                )
        return LazySerializer(self.real, name=name, options=options, response_type=response_type)

    def encode(self, message: Any) -> bytes:  # type: ignore[override]
        return self.real.encode(message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazySerializerFactory) and other.real is self.real

    def __hash__(self) -> int:
        return id(self.real)


def has_alias(option: OptionItem) -> bool:
    """Whether an argument's default or annotation is a field definition of a library."""
    if isinstance(option.default_value, FieldInfo):
        return True
    if type(option.default_value).__module__ == "msgspec._core":
        return True
    if get_origin(option.field_type) is Annotated:
        return any(
            isinstance(extra, FieldInfo)
            and (extra.alias or extra.validation_alias or not extra.is_required())
            for extra in get_args(option.field_type)[1:]
        )
    return False


def caster(serializer: SerializerProto, annotation: Any) -> Cast | None:
    """A function that validates one value against an annotation.

    Raises:
        LookupError: the serializer is not one whose parts are known; use it as a whole.
    """
    if annotation in (Any, inspect.Parameter.empty, ANYTHING):
        return None
    if type(serializer) is PydanticSerializer:
        return _pydantic_cast(serializer, annotation)
    if type(serializer).__name__ == "MsgSpecSerializer":
        return _msgspec_cast(serializer, annotation)
    raise LookupError(serializer)


_adapters: dict[tuple[Any, ...], Cast] = {}


def _pydantic_cast(serializer: PydanticSerializer, annotation: Any) -> Cast:
    own_validator = (
        annotation.__dict__.get("__pydantic_validator__") if _is_model(annotation) else None
    )
    if own_validator is not None and hasattr(own_validator, "validate_python"):
        cast: Cast = own_validator.validate_python
        return cast
    config = {"arbitrary_types_allowed": True, **(serializer.config or {})}
    try:
        key = (annotation, tuple(sorted(config.items())))
        if key in _adapters:
            return _adapters[key]
    except TypeError:  # an annotation or an option that has no hash
        return _adapter(annotation, config)
    if len(_adapters) > 4096:
        _adapters.clear()
    _adapters[key] = _adapter(annotation, config)
    return _adapters[key]


def _adapter(annotation: Any, config: Any) -> Cast:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=config)
    except Exception as error:
        if getattr(error, "code", None) != "type-adapter-config-unused":
            raise
        adapter = TypeAdapter(annotation)
    return adapter.validator.validate_python


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _msgspec_cast(serializer: Any, annotation: Any) -> Cast:
    import msgspec

    convert, hook = msgspec.convert, serializer.dec_hook

    def cast(value: Any) -> Any:
        return convert(value, type=annotation, strict=False, str_keys=True, dec_hook=hook)

    return cast
