"""The AsyncAPI document over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from anystream.asgi.document import ServedDocument
from anystream.asgi.document_handlers import PageHandler, TextHandler
from anystream.asgi.guards import Guard, checked_guard
from anystream.asgi.try_handler import DEFAULT_LIMIT, TryItOutHandler
from anystream.asgi.try_it_out import TryAnswer, TryItOutProcessor
from anystream.asgi.types import ASGIApp
from anystream.core.exceptions import SetupError
from anystream.core.options import check_options
from anystream.core.sentinel import EMPTY
from anystream.specification.html import PageOptions

DESCRIPTION = "The AsyncAPI document of this application."


class DocumentOptions(PageOptions, total=False):
    """What may be chosen for serving a document: the keys of `PageOptions`, and these.

    Keys:
        try_it_out: False takes the form and its endpoint away (True).
        try_it_out_url: where the page sends messages to, in place of the local endpoint, which
            stays: the URL of another service, which has to allow this page's origin.
        try_it_out_real_broker: a message may go to the real broker if the user of the page says
            so (False). Whoever reaches the page can then publish: use it with a guard.
        try_it_out_origins: other origins whose pages may send messages, such as
            `https://docs.example.com`.
        try_it_out_limit: the size of the largest message, in bytes (1 MiB).
        guard: looks at every request for the page, its files, its texts and its form before it is
            answered, see `anystream.asgi.Guard`; `HttpBasic({"ann": "secret"})` is one.
    """

    try_it_out: bool
    try_it_out_url: str | None
    try_it_out_real_broker: bool
    try_it_out_origins: Sequence[str]
    try_it_out_limit: int
    guard: Guard | None


def make_asyncapi_asgi(
    schema: Any,
    description: str | None = None,
    tags: Sequence[Any] | None = None,
    unique_id: str | None = None,
    include_in_schema: bool = True,
    **options: Unpack[DocumentOptions],
) -> PageHandler:
    """Makes an endpoint for GET and HEAD that serves the page of the AsyncAPI document.

    The document is built at the first request and kept. It is at `?format=json` and
    `?format=yaml`, too, and messages can be tried at `/try` below the page.

    Args:
        schema: `AsyncAPI(broker)`, an application with `schema`, or a broker.
        description: text for the document's own entry of this endpoint.
        tags: tags for that entry.
        unique_id: operation id for that entry.
        include_in_schema: whether the document has such an entry.
        options: see `DocumentOptions`.

    Raises:
        SetupError: there is no document to be had of `schema`, or an option has no use.
        OptionError: an option does not exist.
    """
    check_options("make_asyncapi_asgi", options, DocumentOptions)
    document = ServedDocument(schema)
    try_handler = _try_handler(document, options)
    return _page(
        document,
        options,
        _form(options, bool(try_handler)),
        try_handler=try_handler,
        include_in_schema=include_in_schema,
        description=DESCRIPTION if description is None else description,
        tags=tags,
        unique_id=unique_id,
    )


class AsyncAPIRoute:
    """Where the document is served, and how.

    Args:
        path: the path of the page, with a leading slash.
        description: text for the document's own entry of this endpoint.
        tags: tags for that entry.
        unique_id: operation id for that entry.
        include_in_schema: whether the document has such an entry.
        asyncapi_json_path: where the JSON is; `<path>.json` when not given, None for nowhere.
        asyncapi_yaml_path: where the YAML is; `<path>.yaml` when not given, None for nowhere, as
            without JSON.
        options: see `DocumentOptions`; `try_it_out_path` is `<path>/try` when not given, None
            for nowhere.

    Raises:
        SetupError: a path does not begin with a slash, or an option has no use.
        OptionError: an option does not exist.
    """

    def __init__(
        self,
        path: str,
        description: str | None = None,
        tags: Sequence[Any] | None = None,
        unique_id: str | None = None,
        include_in_schema: bool = False,
        asyncapi_json_path: str | None = EMPTY,
        asyncapi_yaml_path: str | None = EMPTY,
        **options: Unpack[DocumentOptions],
    ) -> None:
        check_options("AsyncAPIRoute", options, DocumentOptions)
        self.path = _checked_path(path)
        self.description = description
        self.tags = tags
        self.unique_id = unique_id
        self.include_in_schema = include_in_schema
        self._base = path.rstrip("/")
        self.asyncapi_json_path = self._beside(asyncapi_json_path, ".json")
        if asyncapi_yaml_path is EMPTY and self.asyncapi_json_path is None:
            asyncapi_yaml_path = None
        self.asyncapi_yaml_path = self._beside(asyncapi_yaml_path, ".yaml")
        chosen: str | None = options.get("try_it_out_path", EMPTY)
        self.try_it_out_path = self._beside(chosen, "/try")
        if not options.get("try_it_out", True):
            self.try_it_out_path = None
        checked_guard(options.get("guard"), repr(self))
        self.options = options

    def _beside(self, path: str | None, ending: str) -> str | None:
        if path is EMPTY:
            return self._base + ending
        return path and _checked_path(path)

    @classmethod
    def ensure_route(cls, path: str | AsyncAPIRoute) -> AsyncAPIRoute:
        """The route itself, or the one for a path."""
        return path if isinstance(path, cls) else cls(_checked_path(path))

    def __call__(self, schema: Any) -> PageHandler:
        """Makes the endpoint; `schema` is that of `make_asyncapi_asgi`."""
        return self.page(ServedDocument(schema))

    def page(self, document: ServedDocument) -> PageHandler:
        """The endpoint of the page alone."""
        form = _form(self.options, self.try_it_out_path is not None)
        if form["tryUrl"] == "" and self.try_it_out_path != f"{self._base}/try":
            form = {**form, "pagePath": self._base, "tryPath": self.try_it_out_path}
        return _page(
            document,
            self.options,
            form,
            include_in_schema=self.include_in_schema,
            description=DESCRIPTION if self.description is None else self.description,
            tags=self.tags,
            unique_id=self.unique_id,
        )

    def routes(self, document: ServedDocument) -> list[tuple[str, ASGIApp]]:
        """All endpoints with their paths."""
        guard = self.options.get("guard")
        found: list[tuple[str | None, ASGIApp | None]] = [
            (self.path, self.page(document)),
            (self.asyncapi_json_path, TextHandler(document, "json", guard)),
            (self.asyncapi_yaml_path, TextHandler(document, "yaml", guard)),
        ]
        if self.try_it_out_path:
            found.append((self.try_it_out_path, _try_handler(document, self.options)))
        routes: dict[str, ASGIApp] = {}
        for path, handler in found:
            if path and handler is not None:
                routes.setdefault(path, handler)
        return list(routes.items())

    def __repr__(self) -> str:
        return f"AsyncAPIRoute({self.path!r})"


def asyncapi_routes(asyncapi_path: str | AsyncAPIRoute, schema: Any) -> list[tuple[str, ASGIApp]]:
    """The endpoints of a document: the page at the path itself, `.json`, `.yaml` and `/try`.

    Args:
        asyncapi_path: the path or the route.
        schema: that of `make_asyncapi_asgi`.

    Raises:
        SetupError: the path or the schema is of no use.
    """
    return AsyncAPIRoute.ensure_route(asyncapi_path).routes(ServedDocument(schema))


def _page(
    document: ServedDocument, options: Mapping[str, Any], form: Mapping[str, Any], **more: Any
) -> PageHandler:
    guard = checked_guard(options.get("guard"), "asyncapi")
    return PageHandler(document, options, form, guard=guard, **more)


def _form(options: Mapping[str, Any], served: bool) -> dict[str, Any]:
    """The configuration of the form in the page."""
    url = options.get("try_it_out_url")
    if url is None and not str(options.get("try_it_out_path") or "/").startswith("/"):
        url = options["try_it_out_path"]  # relative to the page
    if not options.get("try_it_out", True):
        url = None
    elif url is None and served:
        url = ""
    return {"tryUrl": url, "realBroker": bool(options.get("try_it_out_real_broker", False))}


def _try_handler(document: ServedDocument, options: Mapping[str, Any]) -> TryItOutHandler | None:
    """The endpoint that the form sends to; none where it is switched off."""
    if not options.get("try_it_out", True) or options.get("try_it_out_path", "") is None:
        return None
    real = bool(options.get("try_it_out_real_broker", False))

    async def process(request: Any) -> TryAnswer:
        brokers = document.brokers
        if not brokers:
            return TryAnswer(404, {"details": "There is no broker whose channels could be tried"})
        processor = TryItOutProcessor(
            *brokers, channels=lambda: document.channels, real_broker=real
        )
        return await processor.process(request)

    return TryItOutHandler(
        process,
        origins=options.get("try_it_out_origins", ()),
        limit=options.get("try_it_out_limit", DEFAULT_LIMIT),
        guard=checked_guard(options.get("guard"), "asyncapi"),
    )


def _checked_path(path: Any) -> str:
    if not isinstance(path, str) or not path.startswith("/"):
        raise SetupError(
            f"asyncapi_path={path!r}: pass a path that begins with a slash, such as "
            '"/docs/asyncapi", or an AsyncAPIRoute'
        )
    return path
