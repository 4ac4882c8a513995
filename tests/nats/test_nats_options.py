"""Declarations that cannot work say so, with what to do."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from anystream.core import AckPolicy
from anystream.core.exceptions import FeatureNotSupportedException, OptionError, SetupError
from anystream.core.security import BaseSecurity, SASLPlaintext, SASLScram256
from anystream.memory import MemoryRouter
from anystream.nats import (
    ConsumerConfig,
    JStream,
    NatsBroker,
    NatsRouter,
    PullSub,
    Schedule,
)
from anystream.nats.schemas import with_subject
from anystream.nats.security import NatsJWT, NatsNKey, NatsToken, connect_options
from anystream.nats.streams import wanted_streams


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda b: b.subscriber("a", durabel="d"),
            "unknown option 'durabel', did you mean 'durabl",
        ),
        (lambda b: b.publisher("a", header={}), "unknown option 'header', did you mean 'headers'"),
        (lambda b: NatsBroker(conect_timeout=1), "did you mean 'connect_timeout'"),
        (lambda b: NatsBroker(js_options={"domian": "x"}), "did you mean 'domain'"),
        (lambda b: JStream("s", max_mesages=1), "did you mean 'max_m"),
        (lambda b: NatsBroker([]), "give an address such as"),
        (lambda b: NatsBroker(error_cb=print), "error_cb=.* must be an `async def`"),
        (lambda b: NatsBroker(security="x"), "is no security object"),
    ],
)
def test_unknown_and_wrong_options(make: Any, said: str) -> None:
    """A wrong name is answered with the nearest right one."""
    with pytest.raises(OptionError, match=said):
        make(NatsBroker())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "there is nothing to read"),
        ({"subject": "a..b"}, "is no subject"),
        ({"subject": "a.>.b"}, "must be the last part"),
        ({"subject": "{a}.{a}"}, "Duplicated param name"),
        ({"subject": "a", "pull_sub": True}, "pull_sub needs a stream"),
        ({"subject": "a", "pull_sub": 5, "stream": "s"}, "neither True nor a PullSub"),
        ({"subject": "a", "stream": 5}, "neither a str nor a JStream"),
        ({"subject": "a", "stream": "s.t"}, "name of a stream"),
        ({"subject": "a", "queue": "q", "durable": "d", "stream": "s"}, "called like the group"),
        ({"subject": "a", "max_workers": 0}, "number from 1"),
        ({"subject": "a", "stream": "s", "kv_watch": "b"}, "stream and kv_watch exclude"),
        ({"subject": "a", "stream": "s", "obj_watch": True}, "stream and obj_watch exclude"),
        ({"subject": "a", "kv_watch": "b", "obj_watch": True}, "kv_watch and obj_watch exclude"),
        ({"kv_watch": "b"}, "kv_watch needs a subject: a pattern of keys"),
        ({"obj_watch": True}, "obj_watch needs a subject: the bucket's name"),
        ({"subject": "a", "kv_watch": 5}, "neither a bucket's name nor a KvWatch"),
        ({"subject": "a", "kv_watch": "b.c"}, "the name of a bucket"),
        ({"subject": "a b", "kv_watch": "b"}, "is no part of a key"),
        ({"subject": "a", "obj_watch": 5}, "neither True nor an ObjWatch"),
        ({"subject": "a.b", "obj_watch": True}, "the name of a bucket"),
        (
            {"subject": "a", "stream": "s", "config": ConsumerConfig(filter_subjects=["b"])},
            "not both",
        ),
    ],
)
def test_subscribers_that_cannot_work(arguments: dict[str, Any], said: str) -> None:
    """Arguments that exclude one another are refused where they are written."""
    with pytest.raises(SetupError, match=said):
        NatsBroker().subscriber(**arguments)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"durable": "d"}, "durable has no effect without a stream"),
        ({"ack_policy": AckPolicy.ACK}, "ack_policy has no effect without a stream"),
        ({"flow_control": True}, "flow_control has no effect without a stream"),
        ({"stream": "s", "max_msgs": 1}, "max_msgs has no effect for a stream"),
        ({"stream": "s", "pull_sub": True, "ordered_consumer": True}, "no effect with pull_sub"),
        ({"stream": "s", "pull_sub": True, "queue": "q"}, "queue has no effect with pull_sub"),
        ({"kv_watch": "b", "ack_policy": AckPolicy.ACK}, "ack_policy has no effect for the watch"),
        ({"obj_watch": True, "queue": "q"}, "queue has no effect for the watcher"),
        (
            {"stream": "s", "ordered_consumer": True, "durable": "d"},
            "durable has no effect with ordered_consumer",
        ),
    ],
)
def test_options_without_effect(options: dict[str, Any], said: str) -> None:
    """An option that does nothing is warned of, at the line that has it."""
    with pytest.warns(RuntimeWarning, match=said) as caught:
        NatsBroker().subscriber("a", **options)
    assert caught[0].filename == __file__


def test_values_of_schemas() -> None:
    """Numbers that make no sense are refused."""
    with pytest.raises(SetupError, match="batch_size=0"):
        PullSub(0)
    with pytest.raises(SetupError, match="timeout=0"):
        PullSub(1, timeout=0)
    with pytest.raises(SetupError, match="non-empty"):
        NatsBroker().publisher("")


def test_subjects_of_a_stream() -> None:
    """Wildcards swallow what they cover."""
    subjects: list[str] = []
    for subject in ("a.b", "a.*", "a.c", "b.>", "b.c.d", "b.*.>", "c"):
        subjects = with_subject(subjects, subject)
    assert subjects == ["a.*", "b.>", "c"]
    assert with_subject(["a.*"], "a.>") == ["a.>"]
    assert with_subject(["a.>"], "a.>") == ["a.>"]


def test_streams_know_prefixes() -> None:
    """A stream's subjects have the prefixes of the routers, and templates are wildcards."""
    broker, router = NatsBroker(), NatsRouter(prefix="p.")
    router.subscriber("{x}.a", stream="s")
    router.publisher("out", stream="s")
    broker.include_router(router, prefix="q.")
    [(stream, subjects)] = wanted_streams(broker.subscribers, broker.publishers).values()
    assert (stream.name, subjects) == ("s", ["q.p.*.a", "q.p.out"])


def test_routers_of_other_brokers() -> None:
    """Only NATS routers can be included."""
    with pytest.raises(SetupError, match="nats router"):
        NatsBroker().include_router(MemoryRouter())


def test_security() -> None:
    """Each kind of credentials becomes the client's options."""
    assert connect_options(None) == {}
    assert connect_options(BaseSecurity()) == {}
    assert set(connect_options(BaseSecurity(use_ssl=True))) == {"tls"}
    assert connect_options(SASLPlaintext("u", "p")) == {"user": "u", "password": "p"}
    assert connect_options(NatsToken("t", tls_hostname="h")) == {"token": "t", "tls_hostname": "h"}
    assert connect_options(NatsNKey("/seed")) == {"nkeys_seed": "/seed"}
    assert set(connect_options(NatsJWT(lambda: b"", lambda nonce: b""))) == {
        "user_jwt_cb",
        "signature_cb",
    }
    with pytest.raises(FeatureNotSupportedException, match="does not know SASLScram256"):
        connect_options(SASLScram256("u", "p"))


def test_schedule_headers() -> None:
    """A schedule is two headers; times are UTC."""
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    assert Schedule(moment, "a").headers() == {
        "Nats-Schedule": "@at 2030-01-02T02:04:05Z",
        "Nats-Schedule-Target": "a",
    }


def test_log_columns() -> None:
    """Stream and queue have a column only when somebody has one."""
    broker = NatsBroker()
    broker.subscriber("logs.{level}")
    assert list(broker.log_columns()) == ["subject", "message_id"]
    sub = broker.subscriber("a", "q", stream="s")
    assert list(broker.log_columns()) == ["stream", "queue", "subject", "message_id"]
    assert broker.log_fields(sub, None) == {
        "stream": "s",
        "queue": "q",
        "subject": "a",
        "message_id": "",
    }


def test_explain() -> None:
    """The frozen pipeline reads like what was declared."""
    broker = NatsBroker()

    @broker.subscriber("a.{x}", stream="s", pull_sub=PullSub(8))
    async def handle(body: dict[str, int]) -> None: ...

    text = broker.subscribers[0].explain()
    assert "a.{x} -> handle (8 workers)" in text
    assert "ack; on error reject" in text


def test_without_the_client_library() -> None:
    """Without nats-py the import says what to install."""
    code = (
        "import sys; sys.modules['nats'] = None\n"
        "try:\n    import anystream.nats\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "anystream[nats]"' in done.stdout
