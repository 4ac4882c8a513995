"""AsyncAPI documents of what brokers and HTTP endpoints declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anystream.specification.about import Contact, ExternalDocs, License, Tag
    from anystream.specification.asyncapi import AsyncAPI
    from anystream.specification.html import get_asyncapi_html
    from anystream.specification.rendered import Specification, SpecificationFactory

__all__ = (
    "AsyncAPI",
    "Contact",
    "ExternalDocs",
    "License",
    "Specification",
    "SpecificationFactory",
    "Tag",
    "get_asyncapi_html",
)

_MODULES = {
    "AsyncAPI": "asyncapi",
    "Contact": "about",
    "ExternalDocs": "about",
    "License": "about",
    "Specification": "rendered",
    "SpecificationFactory": "rendered",
    "Tag": "about",
    "get_asyncapi_html": "html",
}


def __getattr__(name: str) -> object:
    # a service that shows no document should not load what makes one
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
