"""The AsyncAPI document over HTTP: its page, its texts, who may see them."""

import gzip
import json
import re
import warnings
from typing import Any

import pytest
import yaml
from fastapi import FastAPI

from anystream.asgi import (
    AsgiFastStream,
    AsgiResponse,
    AsyncAPIRoute,
    HttpBasic,
    get,
    make_asyncapi_asgi,
    make_ping_asgi,
)
from anystream.asgi.asyncapi import asyncapi_routes
from anystream.core.app import FastStream
from anystream.core.exceptions import OptionError, SetupError
from anystream.memory import MemoryBroker
from anystream.specification import AsyncAPI
from tests.asgi.uvicorn_server import served
from tests.recording_broker import RecordingBroker

EVIL = "</title></script><script>alert(1)</script><!--&\u2028"


class Specification:
    """A document factory that counts how often it is asked."""

    def __init__(self) -> None:
        self.built = 0
        self.routes: list[tuple[str, Any]] = []

    def add_broker(self, broker: Any) -> None: ...

    def add_http_route(self, path: str, handler: Any) -> None:
        self.routes.append((path, handler))

    def to_specification(self) -> "Specification":
        return self

    def to_json(self) -> str:
        self.built += 1
        return json.dumps({"asyncapi": "3.0.0", "info": {"title": "Own"}, "n": self.built})


class Documented:
    """An application that has a document."""

    def __init__(self) -> None:
        self.schema = Specification()


async def test_page_and_texts_in_our_application() -> None:
    """The page at the path, texts at `.json` and `.yaml`, built once, with GET and HEAD."""
    specification = Specification()
    app = AsgiFastStream(
        RecordingBroker(), specification=specification, asyncapi_path="/docs/asyncapi"
    )
    async with served(app) as client:
        pages = [await client.get(f"/docs/asyncapi{end}") for end in ("", "/")]
        texts = [await client.get(f"/docs/asyncapi{end}") for end in (".json", "?format=json")]
        document = await client.get("/docs/asyncapi.yaml")
        heads = [await client.head(f"/docs/asyncapi{end}") for end in ("", ".json", ".yaml")]
        below = await client.get("/docs/asyncapi/below")
        other = await client.get("/docs/asyncapi?format=xml")
    assert {page.headers["content-type"] for page in pages} == {"text/html; charset=utf-8"}
    assert pages[0].text == pages[1].text
    assert "<title>Own AsyncAPI</title>" in pages[0].text
    assert {text.text for text in texts} == {specification_text()}
    assert {text.headers["content-type"] for text in texts} == {"application/json"}
    assert document.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(document.text) == json.loads(specification_text())
    assert [(head.status_code, head.content) for head in heads] == [(200, b"")] * 3
    assert int(heads[0].headers["content-length"]) == len(pages[0].content)
    assert (below.status_code, other.status_code) == (404, 404)
    assert specification.built == 1
    assert specification.routes == []


def specification_text() -> str:
    return json.dumps({"asyncapi": "3.0.0", "info": {"title": "Own"}, "n": 1})


async def test_document_has_handlers_and_endpoints() -> None:
    """The real document: subscribers, and the HTTP endpoints that want to be in it."""
    broker = MemoryBroker()

    @broker.subscriber("orders")
    async def handle(body: str) -> None: ...

    @get
    async def alive(scope: Any) -> AsgiResponse:
        """Is it alive?"""
        return AsgiResponse()

    @get(include_in_schema=False)
    async def hidden(scope: Any) -> AsgiResponse:
        return AsgiResponse()

    routes = [("/alive", alive), ("/hidden", hidden), ("/ping", make_ping_asgi(broker))]
    app = AsgiFastStream(broker, asgi_routes=routes, asyncapi_path="/docs")
    async with served(app) as client:
        channels = (await client.get("/docs.json")).json()["channels"]
        document = yaml.safe_load((await client.get("/docs.yaml")).text)
    assert set(channels) == {"orders:Handle", "alive:HttpChannel", "ping:HttpChannel"}
    assert channels["alive:HttpChannel"]["description"] == "Is it alive?"
    assert document["channels"] == channels


@pytest.mark.parametrize("source", [MemoryBroker(), FastStream(MemoryBroker())])
async def test_document_of_a_broker_or_an_application(source: Any) -> None:
    """Our brokers and applications are documented as they are."""
    app = FastAPI()
    app.mount("/asyncapi", make_asyncapi_asgi(source))
    async with served(app) as client:
        assert "FastStream AsyncAPI" in (await client.get("/asyncapi/")).text
        assert (await client.get("/asyncapi/?format=json")).json()["asyncapi"] == "3.0.0"


@pytest.mark.parametrize("source", [Specification(), Documented()])
async def test_document_in_another_framework(source: Any) -> None:
    """The endpoint is mountable anywhere, made of a factory or of an application."""
    app = FastAPI()
    app.mount("/asyncapi", make_asyncapi_asgi(source, try_it_out=False, sidebar=False))
    async with served(app) as client:
        answer = await client.get("/asyncapi/")
        refused = await client.post("/asyncapi/")
    assert '"sidebar": false' in answer.text
    assert '"tryUrl": null' in answer.text
    assert refused.status_code == 405


async def test_mounted_page_has_its_form() -> None:
    """What a framework mounts answers at `/try` below the page, and nowhere else."""
    broker = MemoryBroker()
    broker.subscriber("in")(double)
    app = FastAPI()
    app.mount("/asyncapi", make_asyncapi_asgi(AsyncAPI(broker)))
    own = AsgiFastStream(broker, asgi_routes=[("/docs", make_asyncapi_asgi(broker))])
    for host, path in ((app, "/asyncapi"), (own, "/docs")):
        async with served(host) as client:
            tried = await client.post(f"{path}/try", json=message("in", 2))
            assert (tried.status_code, tried.json()) == (200, 4)
            assert (await client.get(f"{path}/try")).status_code == 405
            assert (await client.get(f"{path}/other")).status_code == 404
            assert (await client.get(f"{path}/")).status_code == 200


async def double(body: int) -> int:
    return body * 2


def message(channel: str, body: Any) -> dict[str, Any]:
    return {"channelName": channel, "message": {"message": body}}


async def test_nothing_in_the_document_ends_its_place_in_the_page() -> None:
    """Titles and descriptions stay text, and the document in the page is the document."""
    broker = MemoryBroker(description=EVIL)
    broker.subscriber("in", title=EVIL, description=EVIL)(double)
    app = AsgiFastStream(
        broker, specification=AsyncAPI(title=EVIL, description=EVIL), asyncapi_path="/docs"
    )
    async with served(app) as client:
        page = (await client.get("/docs")).text
        document = (await client.get("/docs.json")).json()
    assert "<script>" not in page
    assert page.count("</title>") == page.count("<title>") == 1
    (embedded,) = re.findall(r'id="anystream-document">(.*?)</script>', page, re.DOTALL)
    assert json.loads(embedded) == document


async def test_policy_and_assets() -> None:
    """No inline script, no code from text, no other host; files are compressed and cached."""
    app = AsgiFastStream(MemoryBroker(), asyncapi_path="/docs")
    async with served(app) as client:
        page = await client.get("/docs")
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        links = re.findall(r'(?:src|href)="(\?asset=[^"]+)"', page.text)
        assert len(links) == 6
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page.text.split("<body>")[0])
        for link in links:
            url = "/docs" + link.replace("&amp;", "&")
            packed = await client.get(url)
            assert packed.headers["content-encoding"] == "gzip"
            assert "immutable" in packed.headers["cache-control"]
            plain = await client.get(url, headers={"accept-encoding": "identity"})
            assert plain.content == packed.content
            assert "content-encoding" not in plain.headers
            etag = {"if-none-match": packed.headers["etag"]}
            assert (await client.get(url, headers=etag)).status_code == 304
        assert (await client.get("/docs?asset=../assets.py")).status_code == 404
    assert gzip.compress(b"")  # httpx has unpacked what was compressed


@pytest.mark.parametrize("end", ["", ".json", ".yaml"])
async def test_etag(end: str) -> None:
    """Who has the current version is told so, with GET and HEAD."""
    app = AsgiFastStream(MemoryBroker(), asyncapi_path="/docs")
    async with served(app) as client:
        etag = (await client.get(f"/docs{end}")).headers["etag"]
        for known in (etag, f'"other", W/{etag}'):
            for method in ("GET", "HEAD"):
                headers = {"if-none-match": known}
                same = await client.request(method, f"/docs{end}", headers=headers)
                assert (same.status_code, same.content) == (304, b"")
                assert same.headers["etag"] == etag
        other = await client.get(f"/docs{end}", headers={"if-none-match": '"other"'})
        assert other.status_code == 200


async def test_a_cdn_can_be_named() -> None:
    """Other addresses are in the page, and the policy allows their hosts and no more."""
    route = AsyncAPIRoute(
        "/docs",
        asyncapi_js_url="https://cdn.example/c.js?a=1&b=2",
        asyncapi_css_url="https://css.example/c.css",
        try_it_out_url="https://api.example/try",
    )
    async with served(AsgiFastStream(MemoryBroker(), asyncapi_path=route)) as client:
        page = await client.get("/docs")
    assert 'src="https://cdn.example/c.js?a=1&amp;b=2"' in page.text
    assert '"tryUrl": "https://api.example/try"' in page.text
    policy = page.headers["content-security-policy"]
    hosts = "'self' https://cdn.example https://css.example https://api.example"
    assert f"script-src {hosts};" in policy
    assert f"connect-src {hosts};" in policy


async def test_guard_sees_every_request() -> None:
    """Page, files, texts and form ask it first; what it answers is the answer."""
    seen: list[str] = []

    async def guard(scope: Any) -> Any:
        seen.append(scope["path"])
        if scope["query_string"] == b"boom=1":
            raise RuntimeError("the guard is broken")
        return False if b"no" in scope["query_string"] else AsgiResponse(b"who?", 401)

    app = AsgiFastStream(MemoryBroker(), asyncapi_path=AsyncAPIRoute("/docs", guard=guard))
    async with served(app) as client:
        for path in ("/docs", "/docs?asset=page.js", "/docs.json", "/docs.yaml"):
            assert (await client.get(path)).text == "who?"
        assert (await client.post("/docs/try", json={})).status_code == 401
        assert (await client.get("/docs?no")).status_code == 403
        assert (await client.get("/docs?boom=1")).status_code == 500
    assert seen == ["/docs", "/docs", "/docs.json", "/docs.yaml", "/docs/try", "/docs", "/docs"]


async def test_http_basic() -> None:
    """Name and password are asked for, and compared."""
    guard = HttpBasic({"ann": "s:ecret", "bob": "ü"})
    broker = MemoryBroker()
    broker.subscriber("in")(double)
    app = FastAPI()
    app.mount("/docs", make_asyncapi_asgi(broker, guard=guard))
    async with served(app) as client:
        refused = await client.get("/docs/")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == 'Basic realm="AsyncAPI", charset="UTF-8"'
        for wrong in (("ann", "secret"), ("ann", ""), ("eve", ""), ("", "")):
            assert (await client.get("/docs/", auth=wrong)).status_code == 401
        for odd in ("Basic", "Basic ?", "Bearer x", "Basic YW5u"):
            headers = {"authorization": odd}
            assert (await client.get("/docs/", headers=headers)).status_code == 401
        assert (await client.post("/docs/try", json=message("in", 1))).status_code == 401
        for user in (("ann", "s:ecret"), ("bob", "ü".encode())):
            page = await client.get("/docs/", auth=user)
            assert page.status_code == 200
        tried = await client.post("/docs/try", json=message("in", 1), auth=("ann", "s:ecret"))
        assert tried.json() == 2
        asset = await client.get("/docs/?asset=page.js", auth=("ann", "s:ecret"))
        assert asset.headers["cache-control"].startswith("private")


@pytest.mark.parametrize("users", [{}, {"a:b": "c"}, {"": "c"}, {"a": ""}])
def test_http_basic_of_nobody(users: Any) -> None:
    """Users that cannot be are refused when the guard is made."""
    with pytest.raises(SetupError, match="HttpBasic"):
        HttpBasic(users)


@pytest.mark.parametrize(
    "options",
    [
        {"guard": "password"},
        {"try_it_out_limit": 0},
        {"try_it_out_origins": ["*"]},
        {"try_it_out_origins": ["https://a.example/"]},
    ],
)
def test_options_of_no_use(options: Any) -> None:
    """The error names the option, when the endpoint is made."""
    with pytest.raises(SetupError, match=next(iter(options))):
        make_asyncapi_asgi(MemoryBroker(), **options)


async def test_document_that_cannot_be_built(caplog: pytest.LogCaptureFixture) -> None:
    """The server lives, answers 500 and logs why; the next request tries again."""

    class Broken(Specification):
        def to_json(self) -> str:
            if not self.built:
                self.built += 1
                raise RuntimeError("no schema of that")
            return "{}"

    app = FastAPI()
    app.mount("/asyncapi", make_asyncapi_asgi(Broken()))
    async with served(app) as client:
        assert (await client.get("/asyncapi/")).status_code == 500
        assert (await client.get("/asyncapi/")).status_code == 200
    assert "no schema of that" in caplog.text


async def test_a_schema_that_cannot_be_made_stops_nothing() -> None:
    """The application starts, the page is there, a warning says what is missing in it."""

    class Opaque:
        pass

    broker = MemoryBroker()

    @broker.subscriber("in")
    async def handle(body: Opaque) -> None: ...

    app = AsgiFastStream(broker, asyncapi_path="/docs")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RuntimeWarning)
        async with served(app) as client:
            assert "in:Handle" in (await client.get("/docs")).text
    assert any("not fully described" in str(it.message) for it in said)


def test_route_derives_its_paths() -> None:
    """`.json`, `.yaml` and `/try` go to the path without its trailing slash; None is off."""
    route = AsyncAPIRoute("/docs/")
    assert (route.asyncapi_json_path, route.try_it_out_path) == ("/docs.json", "/docs/try")
    assert route.asyncapi_yaml_path == "/docs.yaml"
    other = AsyncAPIRoute("/docs", asyncapi_json_path="/schema", try_it_out_path="/t")
    assert (other.asyncapi_json_path, other.try_it_out_path) == ("/schema", "/t")
    none = AsyncAPIRoute("/docs", asyncapi_json_path=None, try_it_out_path=None)
    assert (none.asyncapi_json_path, none.try_it_out_path) == (None, None)
    assert [path for path, _ in asyncapi_routes(none, Specification())] == ["/docs"]
    assert AsyncAPIRoute("/docs", try_it_out=False).try_it_out_path is None
    paths = [path for path, _ in asyncapi_routes("/docs", Specification())]
    assert paths == ["/docs", "/docs.json", "/docs.yaml", "/docs/try"]


def test_route_makes_the_endpoint() -> None:
    """Called with a document factory it gives the endpoint, which the document does not show."""
    route = AsyncAPIRoute.ensure_route("/docs")
    assert AsyncAPIRoute.ensure_route(route) is route
    assert not route(Specification()).include_in_schema
    assert AsyncAPIRoute("/d", include_in_schema=True)(Specification()).include_in_schema


@pytest.mark.parametrize("path", ["docs", "", None, 3])
def test_path_without_a_slash(path: Any) -> None:
    """The error says what a path looks like."""
    with pytest.raises(SetupError, match="begins with a slash"):
        asyncapi_routes(path, Specification())


def test_unknown_option() -> None:
    """The error knows the nearest right one."""
    with pytest.raises(OptionError, match="did you mean 'sidebar'"):
        make_asyncapi_asgi(Specification(), side_bar=True)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="did you mean 'try_it_out'"):
        AsyncAPIRoute("/docs", try_it_ou=False)  # type: ignore[call-arg]


@pytest.mark.parametrize("source", [None, object(), RecordingBroker(), AsgiFastStream, "/docs"])
def test_nothing_to_document(source: Any) -> None:
    """What has no document is refused when the endpoint is made."""
    with pytest.raises(SetupError, match="no AsyncAPI document of"):
        make_asyncapi_asgi(source)
