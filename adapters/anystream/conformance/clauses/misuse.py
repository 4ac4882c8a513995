"""E: wrong calls of `setup`, and what they say."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause


def refusal(run: ServerProcess, case: str) -> str:
    seen = run.timeline().first("misuse", case=case).details
    demand("SetupError" in seen["error"], f"{case}: {seen['error'] or 'accepted'} {seen['text']}")
    return str(seen["text"])


def expect_refusal(run: ServerProcess, case: str, *words: str) -> None:
    text = refusal(run, case)
    missing = [word for word in words if word.lower() not in text.lower()]
    demand(not missing, f"{case}: {missing} not named in {text!r}")


@clause("E01", "`setup` twice on one application is a SetupError.", scenario="misuse")
def twice(run: ServerProcess) -> None:
    expect_refusal(run, "twice", "setup")


@clause("E02", "`setup` on a running application is a SetupError.", scenario="serving")
def on_a_running_application(run: ServerProcess) -> None:
    answer = run.get("/user/setup-again").json()
    demand("SetupError" in answer.get("error", []), f"answer: {answer}")


@clause("E03", "A path given twice is a SetupError that names it.", scenario="misuse")
def path_twice(run: ServerProcess) -> None:
    expect_refusal(run, "path twice", "/p")


@clause("E04", "A path without its slash is a SetupError that names it.", scenario="misuse")
def path_without_slash(run: ServerProcess) -> None:
    expect_refusal(run, "path without slash", "'p'", "/")


@clause("E05", "A route that is not callable is a SetupError that names its path.",
        scenario="misuse")  # fmt: skip
def route_not_callable(run: ServerProcess) -> None:
    expect_refusal(run, "route not callable", "/p")


@clause("E06", "No stream, or a text in its place, is a SetupError that says what to give.",
        scenario="misuse")  # fmt: skip
def no_stream(run: ServerProcess) -> None:
    expect_refusal(run, "no stream", "broker", "None")
    expect_refusal(run, "text for a stream", "broker", "str")


@clause("E07", "A broker class in place of a broker is a SetupError.", scenario="misuse")
def class_for_a_stream(run: ServerProcess) -> None:
    expect_refusal(run, "class for a stream", "RecordingBroker")


@clause("E08", "An application of another kind is a SetupError that names its type.",
        scenario="misuse")  # fmt: skip
def wrong_application(run: ServerProcess) -> None:
    expect_refusal(run, "wrong application", "object")


@clause("E09", "A timeout that is not positive is a SetupError that names it.", scenario="misuse")
def wrong_timeouts(run: ServerProcess) -> None:
    expect_refusal(run, "zero start timeout", "start_timeout", "0")
    expect_refusal(run, "negative stop timeout", "stop_timeout", "-1")


@clause("E10", "An unknown option is an error that names it.", scenario="misuse")
def unknown_option(run: ServerProcess) -> None:
    seen = run.timeline().first("misuse", case="unknown option").details
    demand("TypeError" in seen["error"], f"{seen}")
    demand("asgi_route" in seen["text"], f"{seen}")


@clause("E11", "A refused `setup` leaves the application as it was.", scenario="misuse")
def right_after_wrong(run: ServerProcess) -> None:
    seen = run.timeline().first("misuse", case="right after wrong").details
    demand_equal(seen["error"], [], f"error of the right call ({seen['text']})")


@clause("E12", "Asking for the broker before the start is a NotStarted that says why.",
        scenario="misuse")  # fmt: skip
def before_the_start(run: ServerProcess) -> None:
    seen = run.timeline().first("misuse", case="require before start").details
    demand("NotStarted" in seen["error"], f"{seen}")
    demand("lifespan" in seen["text"].lower() or "start" in seen["text"].lower(), f"{seen}")
