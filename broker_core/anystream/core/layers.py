"""What a broker, a router or an inclusion adds to everything declared below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anystream.core.ack import AckPolicy
from anystream.core.sentinel import EMPTY

if TYPE_CHECKING:
    from fast_depends.dependencies import Dependant


@dataclass(eq=False, repr=False)
class Layer:
    """One level around a subscriber or publisher; empty fields say nothing.

    Args:
        prefix: put before every address.
        middlewares: factories, first one outermost.
        dependencies: run before every handler.
        parser: replaces or wraps the default parser.
        decoder: replaces or wraps the default decoder.
        codec: replaces encoding and decoding.
        ack_policy: default acknowledgement policy.
        include_in_schema: False hides everything below from the documentation.
        driver_annotations: classes that are injected by an alias, see `argument_checks`.
    """

    prefix: str = ""
    middlewares: list[Callable[..., Any]] = field(default_factory=list)
    dependencies: Sequence[Dependant] = ()
    parser: Callable[..., Any] | None = None
    decoder: Callable[..., Any] | None = None
    codec: Any = None
    ack_policy: AckPolicy = EMPTY
    include_in_schema: bool | None = None
    driver_annotations: Mapping[Any, Any] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Merged:
    """All layers around one subscriber or publisher, resolved."""

    prefix: str
    middlewares: list[Callable[..., Any]]
    dependencies: list[Dependant]
    parser: Callable[..., Any] | None
    decoder: Callable[..., Any] | None
    codec: Any
    ack_policy: AckPolicy
    include_in_schema: bool
    driver_annotations: dict[Any, Any] = field(default_factory=dict)


def merge(layers: Iterable[Layer]) -> Merged:
    """Resolves layers, outermost first: lists add up, of single values the innermost wins."""
    merged = Merged("", [], [], None, None, None, EMPTY, True)
    for layer in layers:
        merged.prefix += layer.prefix
        merged.driver_annotations.update(layer.driver_annotations)
        merged.middlewares.extend(layer.middlewares)
        merged.dependencies.extend(layer.dependencies)
        merged.parser = layer.parser or merged.parser
        merged.decoder = layer.decoder or merged.decoder
        merged.codec = layer.codec or merged.codec
        if layer.ack_policy is not EMPTY:
            merged.ack_policy = layer.ack_policy
        merged.include_in_schema = merged.include_in_schema and layer.include_in_schema is not False
    return merged
