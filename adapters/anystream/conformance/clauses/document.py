"""D: the AsyncAPI document at `asyncapi_path`."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause
from anystream.conformance.traffic import ORDERS
from anystream.conformance.user_code import UserCode

PATH = "/docs/asyncapi"


@clause("D01", "The document is served at asyncapi_path.", scenario="traffic")
def document(run: ServerProcess) -> None:
    demand_equal(run.get(PATH).status, 200, "status")


@clause("D02", "The document as JSON is at asyncapi_path with .json.", scenario="traffic")
def json_document(run: ServerProcess) -> None:
    answer = run.get(PATH + ".json")
    demand_equal(answer.status, 200, "status")
    demand("json" in "".join(answer.header("content-type")), str(answer.header("content-type")))
    demand("asyncapi" in answer.json(), f"not an AsyncAPI document: {answer.text[:200]}")


@clause("D03", "The document has the channels of the subscribers.", scenario="traffic")
def channels(run: ServerProcess) -> None:
    demand(ORDERS in run.get(PATH + ".json").text, f"{ORDERS} is not in it")


@clause("D04", "The document answers HEAD without a body.", scenario="traffic")
def document_head(run: ServerProcess) -> None:
    answer = run.get(PATH + ".json", method="HEAD")
    demand_equal((answer.status, answer.body), (200, b""), "answer")


@clause("D05", "The document answers 405 to POST.", scenario="traffic")
def document_post(run: ServerProcess) -> None:
    answer = run.get(PATH + ".json", method="POST")
    demand_equal(answer.status, 405, "status")
    demand("GET" in "".join(answer.header("allow")), f"allow: {answer.header('allow')}")


@clause("D06", "The document's paths are exact.", scenario="traffic")
def exact_paths(run: ServerProcess) -> None:
    for path in (PATH + "x", PATH + ".json/x", "/docs"):
        demand_equal(run.get(path).text, UserCode.catch_all, f"answer at {path}")


@clause("D07", "Without asyncapi_path there is no document.", scenario="serving")
def no_document(run: ServerProcess) -> None:
    demand_equal(run.get(PATH + ".json").text, UserCode.catch_all, "answer")
