"""What can be declared, and what is refused."""

from __future__ import annotations

import ssl
import warnings
from typing import Any

import pytest
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from anystream.core import AckPolicy
from anystream.core.exceptions import FeatureNotSupportedException, OptionError, SetupError
from anystream.core.security import BaseSecurity, SASLPlaintext, SASLScram256
from anystream.redis import (
    ListSub,
    PubSub,
    RedisBroker,
    RedisClusterBroker,
    RedisRouter,
    RedisSentinelBroker,
    StreamSub,
)
from anystream.redis.broker import client_options
from anystream.redis.globs import glob_matches


def broker() -> RedisBroker:
    return RedisBroker(logger=None)


def test_nothing_or_two_things_to_read() -> None:
    """One of channel, list and stream is needed."""
    with pytest.raises(SetupError, match="You have to specify `channel`, `list` or `stream`"):
        broker().subscriber()
    with pytest.raises(SetupError, match="`channel` and `list`"):
        broker().subscriber("a", list="b")
    with pytest.raises(SetupError, match="`list` and `stream`"):
        broker().publisher(list="a", stream="b")
    with pytest.raises(SetupError, match="You have to specify"):
        broker().publisher()


def test_wrong_schema() -> None:
    """A schema of another kind is told from a name."""
    with pytest.raises(OptionError, match="neither a str nor a ListSub"):
        broker().subscriber(list=StreamSub("a"))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="neither a str nor a PubSub"):
        broker().subscriber(3)  # type: ignore[arg-type]


def test_unknown_options() -> None:
    """The nearest right name is said."""
    with pytest.raises(OptionError, match="did you mean 'message_format'"):
        broker().subscriber("a", mesage_format=None)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="did you mean 'headers'"):
        broker().publisher("a", header={})  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="did you mean 'socket_timeout'"):
        RedisBroker(socket_timeuot=3)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="did you mean 'sentinels'"):
        RedisSentinelBroker(sentinel=[])  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="did you mean 'startup_nodes'"):
        RedisClusterBroker(startup_node=[])  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"group": "g"}, "`group` and `consumer` both"),
        ({"consumer": "c"}, "`group` and `consumer` both"),
        ({"min_idle_time": 5}, "min_idle_time needs a `group`"),
        ({"claim_min_idle_time": 5}, "claim_min_idle_time needs a `group`"),
        ({"group_start": "0"}, "group_start needs a `group`"),
        ({"last_id": ">"}, "last_id='>' is no id"),
        ({"last_id": "yesterday"}, "no id of a stream; give an id such as '0'"),
        ({"group": "g", "consumer": "c", "last_id": "$"}, "last_id='\\$' is no id"),
        ({"group": "g", "consumer": "c", "group_start": ">"}, "group_start='>' is no id"),
        ({"group": "g", "consumer": "c", "recreate": "now"}, "recreate='now' is no id"),
        (
            {"group": "g", "consumer": "c", "min_idle_time": 1, "claim_min_idle_time": 1},
            "not both",
        ),
        ({"max_records": 0}, "max_records=0: give a number above 0"),
        ({"polling_interval": -1}, "polling_interval=-1"),
        ({"maxlen": True}, "maxlen=True"),
    ],
)
def test_streams_that_make_no_sense(options: dict[str, Any], text: str) -> None:
    """Each is refused where it is written."""
    with pytest.raises(SetupError, match=text):
        StreamSub("s", **options)


def test_lists_and_channels_that_make_no_sense() -> None:
    """Names and numbers are checked."""
    for make in (lambda: ListSub(""), lambda: PubSub(""), lambda: StreamSub(None)):  # type: ignore[arg-type]
        with pytest.raises(SetupError, match="its name is a non-empty str"):
            make()
    with pytest.raises(SetupError, match="prefetch=0"):
        ListSub("a", prefetch=0)
    with pytest.raises(SetupError, match="Duplicated param name"):
        PubSub("{a}.{a}")


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (lambda b: b.subscriber("a", ack_policy=AckPolicy.ACK), "ack_policy has no effect"),
        (lambda b: b.subscriber(list="a", ack_policy=AckPolicy.ACK), "ack_policy has no effect"),
        (lambda b: b.subscriber(stream="a", ack_policy=AckPolicy.ACK), "ack_policy has no effect"),
        (lambda b: b.subscriber(stream=StreamSub("a", declare=False)), "declare=False"),
        (
            lambda b: b.subscriber(stream=StreamSub("a", group="g", consumer="c", no_ack=True)),
            "whatever comes of it",
        ),
        (
            lambda b: b.subscriber(
                stream=StreamSub("a", group="g", consumer="c", last_id="0", polling_interval=5)
            ),
            "polling_interval counts for new messages only",
        ),
    ],
)
def test_options_without_effect(declare: Any, text: str) -> None:
    """They are warned of, at the line that has them."""
    with pytest.warns(RuntimeWarning, match=text) as found:
        declare(broker())
    assert found[0].filename == __file__


def test_usual_declarations_do_not_warn() -> None:
    """What a service declares every day."""
    made = broker()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.subscriber("a")
        made.subscriber(list=ListSub("a", batch=True))
        group = StreamSub("a", group="g", consumer="c")
        made.subscriber(stream=group, ack_policy=AckPolicy.MANUAL, max_workers=4)


def test_patterns() -> None:
    """A star or a named part makes one, and so does the prefix of a router."""
    assert not PubSub("a").pattern
    assert PubSub("a.*").pattern
    assert PubSub("a.{x}.b").pattern
    assert PubSub("a.{x}.b").name == "a.*.b"
    assert PubSub("a?", pattern=True).pattern
    with pytest.raises(SetupError, match="publish to a single channel"):
        broker().publisher("a.{x}")
    made, router = broker(), RedisRouter(prefix="{region}.")
    router.subscriber("orders")(lambda: None)
    made.include_router(router)
    (subscriber,) = made.subscribers
    (address,) = made.channel_addresses(subscriber)
    binding = made.channel_bindings(subscriber, address)["redis"]
    assert (binding["channel"], binding["method"]) == ("{region}.orders", "psubscribe")


@pytest.mark.parametrize(
    ("pattern", "channel", "takes"),
    [
        ("a*", "abc", True),
        ("a?", "ab", True),
        ("a?", "aé", False),  # two bytes
        ("[a-c]x", "bx", True),
        ("[c-a]x", "bx", True),
        ("[^a]x", "ax", False),
        ("[^]x", "bx", True),
        ("[]x", "x", False),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("[\\]]", "]", True),
        ("[ab", "a", True),
        ("", "", True),
        ("*", "", True),
        ("a.*.b", "a.x.y.b", True),
    ],
)
def test_globs(pattern: str, channel: str, takes: bool) -> None:
    """As Redis matches; the suite holds it against the real server with random ones."""
    assert glob_matches(pattern, channel) is takes


def test_where_options_come_from() -> None:
    """Keywords win over security, security over the URL."""
    url = "redis://joe:url@host:1234/3?socket_timeout=7"
    made = client_options(url, {})
    assert (made["host"], made["port"], made["db"]) == ("host", 1234, 3)
    assert (made["username"], made["password"], made["socket_timeout"]) == ("joe", "url", 7.0)
    security = SASLPlaintext("ann", "safe")
    made = client_options(url, {"security": security, "db": 5, "client_name": "shop"})
    assert (made["username"], made["password"], made["db"]) == ("ann", "safe", 5)
    assert made["client_name"] == "shop"
    assert client_options(url, {"security": security, "username": "own"})["username"] == "own"
    retry = Retry(NoBackoff(), 2)
    assert client_options(url, {"retry": retry})["retry"] is retry
    assert "retry" not in client_options(url, {})


def test_tls() -> None:
    """The client's own class without a context, ours with one."""
    assert (
        client_options("redis://h", {"security": BaseSecurity(use_ssl=True)})["connection_class"]
        is SSLConnection
    )
    context = ssl.create_default_context()
    made = client_options("redis://h", {"security": BaseSecurity(ssl_context=context)})
    connection = made["connection_class"](host="h", port=1)
    assert connection._connection_arguments()["ssl"] is context
    assert client_options("rediss://h", {})["connection_class"] is SSLConnection


def test_security_that_redis_does_not_know() -> None:
    """Only TLS and user with password."""
    with pytest.raises(FeatureNotSupportedException, match="does not know SASLScram256"):
        RedisBroker(security=SASLScram256("u", "p"))
    with pytest.raises(OptionError, match="no security object"):
        RedisBroker(security="secret")  # type: ignore[arg-type]


def test_bad_addresses() -> None:
    """What is no address is refused, without its password."""
    with pytest.raises(OptionError, match="is no address of Redis") as error:
        RedisBroker("http://joe:secret@localhost")
    assert "secret" not in str(error.value)
    with pytest.raises(OptionError, match="give an address"):
        RedisBroker(None)  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="needs sentinels="):
        RedisSentinelBroker()
    with pytest.raises(OptionError, match=r"give \(host, port\) pairs"):
        RedisSentinelBroker(sentinels=["a"], sentinel_master_name="m")  # type: ignore[list-item]


def test_passwords_do_not_show() -> None:
    """Not in the repr, and not in the documents."""
    for made in (
        RedisBroker("redis://joe:secret@host:1/2?password=secret"),
        RedisClusterBroker("redis://:secret@host:1"),
        RedisSentinelBroker("redis://:secret@x", sentinels=[("host", 1)], sentinel_master_name="m"),
    ):
        assert "secret" not in repr(made)
        assert "host:1" in repr(made)
        assert "secret" not in made.redis.address
        assert made.specification.protocol == "redis"


def test_context_of_a_cluster_is_ignored() -> None:
    """Its client takes none; a warning says so."""
    security = BaseSecurity(ssl_context=ssl.create_default_context())
    with pytest.warns(RuntimeWarning, match="takes no ssl_context"):
        RedisClusterBroker(security=security)


def test_documents() -> None:
    """Each kind has the method that Redis is called with."""
    made = broker()
    group = StreamSub("s", group="g", consumer="c")
    found = {}
    for options in (
        {"channel": "c"},
        {"channel": "c.*"},
        {"list": "l"},
        {"stream": "s"},
        {"stream": group},
    ):
        for declared in (made.subscriber(**options), *_publisher(made, options)):
            binding = made.channel_bindings(declared, "name")["redis"]
            found[type(declared).__name__, binding["method"]] = binding
    assert {method for _, method in found} == {
        "subscribe", "psubscribe", "lpop", "xread", "xreadgroup", "publish", "rpush", "xadd"
    }  # fmt: skip
    read = found["RedisSubscriber", "xreadgroup"]
    assert (read["groupName"], read["consumerName"]) == ("g", "c")


def _publisher(made: RedisBroker, options: dict[str, Any]) -> list[Any]:
    return [] if options.get("channel") == "c.*" else [made.publisher(**options)]


def test_a_stream_says_what_is_used() -> None:
    """Defaults can be read, and giving them changes nothing."""
    alone, group = StreamSub("a"), StreamSub("a", group="g", consumer="c")
    assert (alone.last_id, alone.polling_interval) == ("$", 100)
    assert (group.last_id, group.polling_interval) == (">", 100)
    assert StreamSub("a", last_id="$") == alone
    assert StreamSub("a", group="g", consumer="c", last_id="0").last_id == "0"
    assert (alone.new_group_id, group.new_group_id) == ("$", "$")


def test_a_group_with_an_id_does_not_warn() -> None:
    """The default `polling_interval` is nothing that somebody gave in vain."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        broker().subscriber(stream=StreamSub("a", group="g", consumer="c", last_id="0"))


def test_what_was_declared_can_be_read() -> None:
    """With the prefixes of the routers; only the kind that it was declared with is there."""
    made, router = broker(), RedisRouter(prefix="p-")
    options: Any = {"headers": {"h": "1"}, "reply_to": "r"}
    channel, queue = router.publisher("c", **options), router.publisher(list="l")
    stream = router.publisher(stream=StreamSub("s", maxlen=3))
    reads = [router.subscriber(**{kind: "x"}) for kind in ("channel", "list", "stream")]
    made.include_router(router)
    assert (channel.channel.name, channel.headers, channel.reply_to) == ("p-c", {"h": "1"}, "r")
    assert (queue.list.name, queue.headers, queue.reply_to) == ("p-l", {}, "")
    assert (stream.stream.name, stream.stream.maxlen) == ("p-s", 3)
    assert [reads[0].channel.name, reads[1].list_sub.name, reads[2].stream_sub.name] == ["p-x"] * 3
    with pytest.raises(AttributeError, match="is declared with a list: it has no channel"):
        _ = queue.channel
    assert not hasattr(reads[0], "stream_sub")
