"""The files of the page: the official React component, and our own scripts and styles."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "page_assets"
_MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

ASSETS = (
    "no-eval.js",
    "react-component.js",
    "react-component.css",
    "page.js",
    "page.css",
    "try.js",
)


class Asset:
    """One file.

    Args:
        name: one of `ASSETS`.
    """

    def __init__(self, name: str) -> None:
        path = _FOLDER / name
        self.name = name
        self.content = path.read_bytes()
        self.media_type = _MEDIA_TYPES[path.suffix]
        self.tag = tag_of(self.content)

    @cached_property
    def compressed(self) -> bytes:
        """The content for clients that accept gzip."""
        return gzip.compress(self.content, 6, mtime=0)

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode()

    @property
    def url(self) -> str:
        """Where a page finds it: in the query of the page's own URL, whatever that is."""
        return f"?asset={self.name}&v={self.tag}"


@lru_cache(len(ASSETS))
def asset(name: str) -> Asset:
    """The file of a name.

    Raises:
        KeyError: there is none.
    """
    if name not in ASSETS:
        raise KeyError(name)
    return Asset(name)


def tag_of(content: bytes) -> str:
    """What changes when the content changes; short enough for a URL."""
    return hashlib.sha256(content).hexdigest()[:16]


def component_version() -> str:
    """The version of the React component in this package."""
    record = json.loads((_FOLDER / "react-component.json").read_text(encoding="utf-8"))
    return str(record["version"])
