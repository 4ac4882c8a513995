"""A server of one page for development, of the standard library alone."""

from __future__ import annotations

import logging
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from anystream.specification.assets import asset
from anystream.specification.html import render
from anystream.specification.rendered import Specification

logger = logging.getLogger("anystream.docs")


def serve_forever(document: Specification, host: str, port: int) -> None:
    """Serves the page of a document until it is interrupted.

    Args:
        document: the document.
        host: where to listen.
        port: where to listen.

    Raises:
        OSError: the address is taken.
    """
    _log_to_stderr()
    page = render(document.title, document.to_json(), {}, {"tryUrl": None}).encode()

    class Handler(PageRequest):
        content = page
        specification = document

    try:
        opened = ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise OSError(f"cannot listen at {host}:{port}: {error}") from error
    with opened as server:
        logger.info(
            "HTTPServer running on http://%s:%s (Press CTRL+C to quit)", *server.server_address[:2]
        )
        logger.warning("Please, do not use it in production.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            logger.info("HTTPServer stopped")


class PageRequest(BaseHTTPRequestHandler):
    """A request: the page at every path, its files and texts by the query."""

    content = b""
    specification: Any = None

    def do_GET(self) -> None:
        """Answers GET."""
        query = parse_qs(urlsplit(self.path).query)
        try:
            media_type, content = self._found(query)
        except (KeyError, ImportError) as error:
            self.send_error(404, str(error))
            return
        self.send_response(200)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(content)))
        self.send_header("cache-control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        """Answers HEAD."""
        self.do_GET()

    def _found(self, query: dict[str, list[str]]) -> tuple[str, bytes]:
        if "asset" in query:
            file = asset(query["asset"][0])
            return file.media_type, file.content
        if "format" not in query:
            return "text/html; charset=utf-8", self.content
        write = {"json": self.specification.to_json, "yaml": self.specification.to_yaml}
        return f"application/{query['format'][0]}", write[query["format"][0]]().encode()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""
        logger.debug(format, *args)


def _log_to_stderr() -> None:
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s - %(message)s"))
        logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
