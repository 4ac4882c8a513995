"""A finished document, and what stands in for one."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Protocol

from pydantic_core import to_json

from anystream.specification.writing import Written


class Specification(Protocol):
    """A finished document; `AsyncAPI.to_specification()` returns one."""

    @property
    def title(self) -> str:
        """The document's title."""
        ...

    def to_json(self) -> str:
        """The document as JSON text."""
        ...

    def to_jsonable(self) -> Any:
        """The document as dicts, lists, strings and numbers."""
        ...

    def to_yaml(self) -> str:
        """The document as YAML text."""
        ...


class SpecificationFactory(Protocol):
    """What an application asks of its `specification`; `AsyncAPI` is one."""

    def add_broker(self, broker: Any) -> Any:
        """Describes a broker, too."""
        ...

    def add_http_route(self, path: str, handler: Any) -> Any:
        """Describes an HTTP endpoint, too."""
        ...

    def to_specification(self) -> Specification:
        """Makes the document of all that was added."""
        ...


class RenderedSpecification:
    """A document of one version of AsyncAPI.

    Args:
        title: the document's title.
        written: the document; what JSON does not know becomes text.
    """

    def __init__(self, title: str, written: Written) -> None:
        self.title = title
        self.channels = written.channels
        self._content = written.content
        self._jsonable: dict[str, Any] | None = None

    def to_jsonable(self) -> dict[str, Any]:
        """The document as dicts, lists, strings and numbers."""
        found = self._jsonable
        if found is None:
            found = self._jsonable = json.loads(self.to_json())
        return found

    def to_json(self) -> str:
        """The document as JSON text."""
        return to_json(self._content, fallback=str).decode()

    def to_yaml(self) -> str:
        """The document as YAML text, in the order of the JSON.

        Raises:
            ImportError: PyYAML is not installed.
        """
        try:
            yaml: Any = import_module("yaml")
        except ImportError as error:
            raise ImportError(
                "to_yaml() needs PyYAML, which is not installed: pip install pyyaml, "
                "or use to_json()"
            ) from error
        text: str = yaml.safe_dump(self.to_jsonable(), sort_keys=False, allow_unicode=True)
        return text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.title!r}>"
