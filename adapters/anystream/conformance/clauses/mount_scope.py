"""M01-M19: which requests reach a mounted application, and with what scope and answer."""

from __future__ import annotations

from typing import Any

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause
from anystream.conformance.user_code import UserCode
from anystream.conformance.wire import connected


def scope_of(run: ServerProcess, path: str, **options: Any) -> dict[str, Any]:
    answer = run.get(path, **options)
    demand_equal(answer.status, 200, f"status of {path}")
    scope: dict[str, Any] = answer.json()["scope"]
    return scope


def app_of(run: ServerProcess, path: str) -> Any:
    answer = run.get(path)
    demand_equal(answer.status, 200, f"status of {path} (location: {answer.header('location')})")
    return answer.json()["app"]


@clause("M01", "A mounted application gets the requests below its path.", scenario="serving")
def below_the_path(run: ServerProcess) -> None:
    demand_equal(app_of(run, "/probe/some/where"), "probe", "application")


@clause("M02", "A mounted application sees the whole path.", scenario="serving")
def whole_path(run: ServerProcess) -> None:
    demand_equal(scope_of(run, "/probe/some/where")["path"], "/probe/some/where", "path")


@clause("M03", "A mounted application sees its prefix as root_path.", scenario="serving")
def root_path(run: ServerProcess) -> None:
    demand_equal(scope_of(run, "/probe/some/where")["root_path"], "/probe", "root_path")


@clause("M04", "The mounted path itself is served, with a slash and without.", scenario="serving")
def path_itself(run: ServerProcess) -> None:
    for path in ("/probe", "/probe/"):
        demand_equal(app_of(run, path), "probe", f"application at {path}")
        demand_equal(scope_of(run, path)["path"], path, "path")


@clause("M05", "A path that only begins alike is not the mounted one.", scenario="serving")
def boundary(run: ServerProcess) -> None:
    for path in ("/probefoo", "/probe-foo/bar", "/prob"):
        demand_equal(run.get(path).text, UserCode.catch_all, f"answer at {path}")


@clause("M06", "raw_path is as it was sent, and path is decoded.", scenario="serving")
def raw_path(run: ServerProcess) -> None:
    scope = scope_of(run, "/probe/a%20b/c%2Fd/%C3%A9")
    demand_equal(scope["path"], "/probe/a b/c/d/é", "path")
    demand_equal(scope["raw_path"], "b:/probe/a%20b/c%2Fd/%C3%A9", "raw_path")


@clause("M07", "The query string is as it was sent.", scenario="serving")
def query_string(run: ServerProcess) -> None:
    scope = scope_of(run, "/probe/x?a=1&a=2&b=%20+&c")
    demand_equal(scope["query_string"], "b:a=1&a=2&b=%20+&c", "query_string")


@clause("M08", "Of two mounted paths the longer one wins.", scenario="serving")
def longest_prefix(run: ServerProcess) -> None:
    demand_equal(app_of(run, "/probe/inner/x"), "inner", "application")
    demand_equal(scope_of(run, "/probe/inner/x")["root_path"], "/probe/inner", "root_path")
    demand_equal(app_of(run, "/probe/innerx"), "probe", "application beside it")


@clause("M09", "A mount comes before the user's catch-all, and leaves it the rest.",
        scenario="serving")  # fmt: skip
def catch_all(run: ServerProcess) -> None:
    demand_equal(app_of(run, "/probe/x"), "probe", "application")
    demand_equal(run.get("/something/else").text, UserCode.catch_all, "answer elsewhere")


@clause("M10", "Every common method reaches a mounted application.", scenario="serving")
def methods(run: ServerProcess) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        demand_equal(scope_of(run, "/probe/x", method=method)["method"], method, "method")


@clause(
    "M11", "An unusual method reaches a mounted application.",
    scenario="serving", needs=("unusual_methods",),
)  # fmt: skip
def unusual_methods(run: ServerProcess) -> None:
    demand_equal(scope_of(run, "/probe/x", method="PROPFIND")["method"], "PROPFIND", "method")


@clause("M12", "Repeated request headers arrive one by one, in order.", scenario="serving")
def repeated_request_headers(run: ServerProcess) -> None:
    headers = [("X-Twice", "one"), ("X-Other", "between"), ("X-Twice", "two")]
    scope = scope_of(run, "/probe/x", headers=headers)
    seen = [value for name, value in scope["headers"] if name == "b:x-twice"]
    demand_equal(seen, ["b:one", "b:two"], "values")


@clause("M13", "Repeated response headers are sent one by one.", scenario="serving")
def repeated_response_headers(run: ServerProcess) -> None:
    answer = run.get("/probe/repeated-headers")
    demand_equal((answer.status, answer.body), (203, b"three"), "answer")
    demand_equal(answer.header("set-cookie"), ["a=1", "b=2"], "set-cookie")


@clause("M14", "No content-type is invented for a mounted application.", scenario="serving",
        needs=("responses_without_content_type",))  # fmt: skip
def no_invented_headers(run: ServerProcess) -> None:
    demand_equal(run.get("/probe/repeated-headers").header("content-type"), [], "content-type")


@clause("M15", "A status without a body is sent without one.", scenario="serving")
def no_content(run: ServerProcess) -> None:
    with connected(run.port) as line:
        for _ in range(2):
            line.begin("GET", "/probe/no-content", [])
            answer = line.answer()
            demand_equal((answer.status, answer.body), (204, b""), "answer")


@clause("M16", "HEAD is answered without a body and with the content-length.", scenario="serving")
def head(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("HEAD", "/probe/sized", [])
        answer = line.answer()
        demand_equal((answer.status, answer.body), (200, b""), "answer")
        demand_equal(answer.header("content-length"), ["5"], "content-length")
        line.begin("GET", "/probe/sized", [])
        demand_equal(line.answer().body, b"sized", "body of the next answer")


@clause("M17", "The scope of a mounted application is whole.", scenario="serving")
def whole_scope(run: ServerProcess) -> None:
    scope = scope_of(run, "/probe/x?y=z", headers=[("X-Mixed-Case", "Yes")])
    demand_equal(scope["type"], "http", "type")
    demand(str(scope["asgi"]["version"]).startswith("3"), f"asgi: {scope['asgi']}")
    demand(scope["http_version"] in ("1.1", "1.0"), f"http_version: {scope['http_version']}")
    demand_equal(scope["scheme"], "http", "scheme")
    demand_equal(scope["client"][0], "127.0.0.1", "client")
    demand_equal(int(scope["server"][1]), run.port, "port of the server")
    demand(["b:x-mixed-case", "b:Yes"] in scope["headers"], f"headers: {scope['headers']}")
    names = [name for name, _ in scope["headers"]]
    demand(all(name.islower() for name in names), f"header names: {names}")


@clause("M18", "A function, an instance and a bound method can be mounted alike.",
        scenario="serving")  # fmt: skip
def kinds_of_callables(run: ServerProcess) -> None:
    for path, name in (("/function", "function"), ("/probe", "probe"), ("/probe/inner", "inner")):
        demand_equal(app_of(run, path + "/x"), name, f"application at {path}")


@clause("M19", "A mounted application gets no lifespan events.", scenario="serving")
def no_lifespan(run: ServerProcess) -> None:
    demand_equal(app_of(run, "/probe/x"), "probe", "application")
    demand(not run.timeline().has("probe.scope"), "it was called with a lifespan scope")
