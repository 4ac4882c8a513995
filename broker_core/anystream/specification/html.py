"""The page of a document."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict, Unpack

from anystream.core.options import check_options
from anystream.specification.assets import asset
from anystream.specification.rendered import Specification

# what a page shows; the names in the page's configuration
FLAGS = ("sidebar", "info", "servers", "operations", "messages", "schemas", "errors")

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E"
    "%3Cpath d='M1 2h6M1 4h4M1 6h6' stroke='%23dd6b20'/%3E%3C/svg%3E"
)
_ENDS_SCRIPT = re.compile(r"<(?=/script|!--)", re.IGNORECASE)
_ESCAPED = r"\\x3c"


class PageOptions(TypedDict, total=False):
    """What may be chosen for the page of a document.

    Keys:
        sidebar, info, servers, operations, messages, schemas, errors: show that part (True).
        expand_message_examples: unfold the examples of messages (True).
        asyncapi_js_url: a script in place of the component in our package, such as
            `browser/standalone/without-parser.js` of npm's `@asyncapi/react-component` at a CDN.
        asyncapi_css_url: a style sheet in place of the component's.
        try_it_out_plugin_url: a script in place of our `try.js`; it has to define
            `window.anystreamTry`.
        try_it_out_path: where the page sends messages to; None takes the form away.
    """

    sidebar: bool
    info: bool
    servers: bool
    operations: bool
    messages: bool
    schemas: bool
    errors: bool
    expand_message_examples: bool
    asyncapi_js_url: str | None
    asyncapi_css_url: str | None
    try_it_out_plugin_url: str | None
    try_it_out_path: str | None


def get_asyncapi_html(schema: Specification, **options: Unpack[PageOptions]) -> str:
    """The page of a document as one text that needs no other file.

    Args:
        schema: the document, as `AsyncAPI(broker).to_specification()` makes it.
        options: see `PageOptions`. `try_it_out_path` is "asyncapi/try" by default.

    Raises:
        OptionError: an option does not exist.
    """
    check_options("get_asyncapi_html", options, PageOptions)
    try_url = options.get("try_it_out_path", "asyncapi/try")
    return render(schema.title, schema.to_json(), options, {"tryUrl": try_url}, inline=True)


def render(
    title: str,
    document: str,
    options: Mapping[str, Any],
    trying: Mapping[str, Any],
    *,
    inline: bool = False,
) -> str:
    """The text of the page.

    Args:
        title: of the service.
        document: the document as JSON.
        options: see `PageOptions`.
        trying: the configuration of the form: `tryUrl` ("" for the place beside the page, None
            for no form), `realBroker`.
        inline: put scripts and styles into the page, rather than link them.
    """
    config = {
        "show": {flag: options.get(flag, True) for flag in FLAGS},
        "expandMessageExamples": options.get("expand_message_examples", True),
        **trying,
    }
    shown = html.escape(title)
    component = options.get("asyncapi_js_url")
    scripts = [_script("no-eval.js", None, inline)]
    scripts.append(_script("react-component.js", component, inline))
    if config.get("tryUrl") is not None:
        scripts.append(_script("try.js", options.get("try_it_out_plugin_url"), inline))
    scripts.append(_script("page.js", None, inline))
    styles = [
        _style("react-component.css", options.get("asyncapi_css_url"), inline),
        _style("page.css", None, inline),
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{shown} AsyncAPI</title>",
            f'<link rel="icon" href="{_ICON}">',
            *styles,
            "</head>",
            "<body>",
            _bar(inline),
            f'<div id="asyncapi"><p class="anystream-missing">{shown}: this page needs '
            "JavaScript.</p></div>",
            _data("anystream-config", json.dumps(config)),
            _data("anystream-document", document),
            *scripts,
            "</body>",
            "</html>",
            "",
        ]
    )


def _bar(inline: bool) -> str:
    """Links to the document as text, and the switch between dark and light."""
    links = "" if inline else '<a data-format="json">JSON</a> <a data-format="yaml">YAML</a> '
    button = '<button type="button" id="anystream-theme">Dark</button>'
    return f'<div class="anystream-bar">{links}{button}</div>'


def _data(name: str, text: str) -> str:
    """JSON for the scripts; nothing in it can end the element."""
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="{name}">{safe}</script>'


def _script(name: str, url: str | None, inline: bool) -> str:
    if url is None and inline:
        return f"<script>{_ENDS_SCRIPT.sub(_ESCAPED, asset(name).text)}</script>"
    return f'<script src="{html.escape(url or asset(name).url)}" defer></script>'


def _style(name: str, url: str | None, inline: bool) -> str:
    if url is None and inline:
        return f"<style>{asset(name).text}</style>"
    return f'<link rel="stylesheet" href="{html.escape(url or asset(name).url)}">'
