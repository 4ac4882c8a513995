"""The address of a server, put together from a URL and single parts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from yarl import URL

from anystream.core.exceptions import OptionError

PORTS = {"amqp": 5672, "amqps": 5671}


def make_url(given: str | URL, options: Mapping[str, Any], security: Mapping[str, Any]) -> URL:
    """The address to connect to.

    Args:
        given: the user's URL.
        options: `host`, `port`, `virtualhost`, `ssl_options`, `heartbeat`, if not None.
        security: see `security.connect_options`.

    Raises:
        OptionError: it is no AMQP URL.
    """
    url = _parsed(given)
    if security.get("ssl"):
        url = url.with_scheme("amqps")
    if options.get("host"):
        url = url.with_host(options["host"])
    port = options.get("port") or _explicit_port(given, url) or PORTS[url.scheme]
    url = url.with_port(port)
    if "login" in security:
        url = url.with_user(security["login"]).with_password(security["password"])
    virtualhost = options.get("virtualhost")
    if virtualhost is not None:
        # a single slash in front belongs to the URL; a name that begins with one has two
        name = virtualhost[1:] if virtualhost.startswith("/") else virtualhost
        url = url.with_path(f"/{name}").with_query(url.query)
    extra = {key: _text(value) for key, value in (options.get("ssl_options") or {}).items()}
    if options.get("heartbeat") is not None:
        extra["heartbeat"] = str(options["heartbeat"])
    if security.get("external"):
        url = url.with_user(None)
        extra["auth"] = "EXTERNAL"
    return url.update_query(extra) if extra else url


def _parsed(given: str | URL) -> URL:
    url = None
    with suppress(TypeError, ValueError):
        url = URL(given)
    if url is None or url.scheme not in PORTS or not url.host:
        raise OptionError(
            f"RabbitBroker: url={given!r} is no address of a server; give one such as "
            "'amqp://guest:guest@localhost:5672/'"
        )
    return url


def _explicit_port(given: str | URL, url: URL) -> int | None:
    return URL(given).explicit_port if url.explicit_port is not None else None


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def redacted(url: URL) -> str:
    """A URL without password."""
    return str(url.with_password("***") if url.password else url)


def without_credentials(url: URL) -> str:
    """A URL for documents: no user, no password, no query."""
    return str(url.with_user(None).with_query(None))


def virtual_host(url: str) -> str:
    """The path of a document's URL, as the bindings of AsyncAPI show it."""
    return unquote(URL(url).path) or "/"
