"""How a subscriber or a publisher stands in the AsyncAPI document."""

from __future__ import annotations

from typing import Any, Protocol


class Documented(Protocol):
    """What has a part in the document."""

    title: str | None
    description: str | None
    include_in_schema: bool

    def schema(self) -> dict[str, Any]: ...


class Described:
    """The `specification` of a subscriber or a publisher.

    Args:
        declared: the subscriber or publisher; it is asked each time.
    """

    def __init__(self, declared: Documented) -> None:
        self._declared = declared

    @property
    def name(self) -> str:
        """The title, or else the key of its channel; empty when it is hidden."""
        return self._declared.title or next(iter(self.get_schema()), "")

    @property
    def description(self) -> str | None:
        """What was given as `description=`, or is the docstring of the handlers."""
        channel = next(iter(self.get_schema().values()), None)
        return self._declared.description if channel is None else channel.description

    @property
    def include_in_schema(self) -> bool:
        """Whether it was declared to be in the document."""
        return self._declared.include_in_schema

    def get_schema(self) -> dict[str, Any]:
        """Its channels by their keys; none when it is hidden."""
        return self._declared.schema()
