"""The conformance suite: numbered clauses that every adapter of anystream keeps.

To try an adapter of your own, describe it once, in a module that can be imported::

    # my_adapter_conformance.py
    from anystream.conformance import Host
    from my_adapter import get_broker, setup

    def make_app(user):
        app = MyFramework(on_start=[user.on_start], on_stop=[user.on_stop])

        @app.get("/user/{action}")
        async def act(request, action):
            return await user.answer(action, lambda *kind: get_broker(request, *kind))

        ...  # the other handlers; `UserCode` lists them
        return app

    host = Host(name="mine", make_app=make_app, setup=setup, servers=("uvicorn", "granian"))

Then run `python -m anystream.conformance my_adapter_conformance:host` for a table, or have pytest
show each clause, in a test module of two lines::

    from anystream.conformance import pytest_clauses

    test_conformance = pytest_clauses("my_adapter_conformance:host")

Every scenario is a real server process with real sockets and signals. Journals, which both
processes can read, say what happened inside. What a framework makes impossible is closed with a
reason, in `Host.closed`; closing is a promise as well, for a clause that holds although it needs a
closed behaviour is a failure. The behaviours that can be closed are the `needs` of the clauses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anystream.conformance.host import AppClient, Host
from anystream.conformance.journal import ClauseBroken
from anystream.conformance.servers import SERVERS, Server
from anystream.conformance.user_code import UserCode

if TYPE_CHECKING:
    from anystream.conformance.pytest_support import pytest_clauses

__all__ = [
    "SERVERS",
    "AppClient",
    "ClauseBroken",
    "Host",
    "Server",
    "UserCode",
    "pytest_clauses",
]


def __getattr__(name: str) -> Any:
    if name != "pytest_clauses":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from anystream.conformance.pytest_support import pytest_clauses

    return pytest_clauses
