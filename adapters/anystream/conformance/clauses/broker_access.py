"""B: how the user's handlers get the broker."""

from __future__ import annotations

import json
from typing import Any

from anystream.conformance.clauses.mount_websocket import SECONDS, open_socket
from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause


def answered(run: ServerProcess, path: str) -> dict[str, Any]:
    answer = run.get(path)
    demand_equal(answer.status, 200, f"status of {path}")
    result: dict[str, Any] = answer.json()
    return result


@clause("B01", "A handler gets the first broker.", scenario="serving")
def in_handlers(run: ServerProcess) -> None:
    demand_equal(answered(run, "/user/broker"), {"result": "first"}, "answer")


@clause("B02", "A handler gets the broker by the framework's own idiom.", scenario="serving")
def by_idiom(run: ServerProcess) -> None:
    demand_equal(run.get("/idiom").text, "first", "answer")


@clause("B03", "A handler gets a broker by its type.", scenario="serving")
def by_type(run: ServerProcess) -> None:
    demand_equal(answered(run, "/user/first-kind"), {"result": "first"}, "first kind")
    demand_equal(answered(run, "/user/other-kind"), {"result": "second"}, "other kind")


@clause("B04", "Asking for a type that no broker has is an error that names the brokers.",
        scenario="serving")  # fmt: skip
def wrong_type(run: ServerProcess) -> None:
    answer = answered(run, "/user/no-such-kind")
    demand("FastStreamException" in answer.get("error", []), f"answer: {answer}")
    demand("RecordingBroker" in answer["text"], f"the brokers are not named: {answer['text']}")


@clause("B05", "A websocket handler of the user's gets the broker.",
        scenario="serving", needs=("user_websockets",))  # fmt: skip
def in_websocket_handlers(run: ServerProcess) -> None:
    with open_socket(run, "/user-socket") as socket:
        demand_equal(json.loads(socket.recv(timeout=SECONDS)), {"result": "first"}, "answer")


@clause("B06", "A handler in a sub-application gets the broker.",
        scenario="serving", needs=("sub_applications",))  # fmt: skip
def in_sub_applications(run: ServerProcess) -> None:
    demand_equal(answered(run, "/sub/user/broker"), {"result": "first"}, "answer")


@clause("B07", "A handler publishes with the broker that it gets.", scenario="serving")
def publishing(run: ServerProcess) -> None:
    demand_equal(answered(run, "/user/publish"), {"result": "published"}, "answer")
    demand(run.timeline().has("broker.publish", broker="first"), "nothing reached the broker")


@clause(
    "B08", "Where the lifespan never ran, asking for the broker says so and says why.",
    scenario="lifespan_off", needs=("lifespan_off",),
)  # fmt: skip
def without_lifespan(run: ServerProcess) -> None:
    answer = answered(run, "/user/broker")
    demand("NotStarted" in answer.get("error", []), f"answer: {answer}")
    demand("lifespan" in answer["text"].lower(), f"the cause is not named: {answer['text']}")


@clause(
    "B09", "Where the lifespan never ran, no broker is started.",
    scenario="lifespan_off", needs=("lifespan_off",),
)  # fmt: skip
def nothing_started_without_lifespan(run: ServerProcess) -> None:
    run.get("/user/broker")
    demand(not run.timeline().has("broker.start"), "a broker was started")
