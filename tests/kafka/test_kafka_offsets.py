"""What may be committed: the bookkeeping alone, without a client."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anystream.kafka_common.offsets import OffsetBook, PartitionProgress


def begun(progress: PartitionProgress, *offsets: int) -> None:
    progress.taken(offsets[0], len(offsets))
    assert [progress.begin(offset) for offset in offsets] == [True] * len(offsets)


def test_the_mark_follows_what_was_settled() -> None:
    """The offset after the last settled message; nothing before the first."""
    progress = PartitionProgress("t", 0)
    begun(progress, 5, 6, 9)
    assert progress.to_commit is None
    progress.settled(5)
    assert progress.to_commit == 6
    progress.settled(9)
    assert progress.to_commit == 10
    progress.committed = 10
    assert progress.to_commit is None


def test_a_late_acknowledgement_does_not_go_back() -> None:
    """What lies before the mark says nothing new."""
    progress = PartitionProgress("t", 0)
    begun(progress, 1, 2)
    progress.settled(2)
    progress.settled(1)
    assert progress.done == 3


def test_strict_waits_for_the_lowest_open_message() -> None:
    """With settling after the handler, one open message holds back all later ones."""
    progress = PartitionProgress("t", 0, strict=True)
    begun(progress, 1, 2, 3, 4)
    progress.settled(3)
    progress.settled(2)
    assert (progress.to_commit, progress.held_back) == (None, 2)
    progress.settled(1)
    assert (progress.to_commit, progress.held_back) == (4, 0)
    progress.settled(4)
    assert progress.to_commit == 5


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
    st.integers(0, 12),
)
def test_strict_never_passes_an_open_message(gaps: list[int], random: object, settled: int) -> None:
    """Whatever the order and the gaps between offsets."""
    offsets = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    progress = PartitionProgress("t", 0, strict=True)
    begun(progress, *offsets)
    order = list(offsets)
    random.shuffle(order)  # type: ignore[attr-defined]
    done = order[:settled]
    for offset in done:
        progress.settled(offset)
    still_open = [offset for offset in offsets if offset not in done]
    lowest = min(still_open, default=offsets[-1] + 1)
    before = [offset for offset in offsets if offset < lowest]
    assert progress.done == (before[-1] + 1 if before else None)


def test_what_was_taken_before_a_rewind_is_dropped() -> None:
    """And what comes after it is not, though the offsets are the same."""
    progress = PartitionProgress("t", 0)
    progress.taken(1, 3)
    assert progress.begin(1)
    assert progress.rewind(1) == 1
    assert [progress.begin(2), progress.begin(3)] == [False, False]
    progress.taken(1, 3)
    assert [progress.begin(n) for n in (1, 2, 3)] == [True, True, True]


def test_a_rewind_while_records_are_still_to_come() -> None:
    """Records taken after a rewind queue up behind stale ones."""
    progress = PartitionProgress("t", 0)
    progress.taken(1, 3)
    assert progress.begin(1)
    progress.rewind(1)
    progress.taken(1, 1)  # comes while 2 and 3 are still in a queue
    assert [progress.begin(n) for n in (2, 3, 1)] == [False, False, True]


def test_dropping_says_where_to_read_on() -> None:
    """The first one that was not begun; nowhere if all were."""
    book = OffsetBook()
    book.of("t", 0).taken(7, 2)
    book.of("t", 1).taken(3, 1)
    assert book.begin("t", 0, 7)
    assert book.begin("t", 1, 3)
    assert book.drop_waiting() == {("t", 0): 8}
    assert not book.begin("t", 0, 8)
    assert book.drop_waiting() == {}


def test_what_was_revoked_counts_for_nothing() -> None:
    """Neither acknowledgements that come too late, nor messages that are still in a queue."""
    book = OffsetBook()
    old = book.of("t", 0)
    old.taken(1, 2)
    assert book.begin("t", 0, 1)
    book.leave([("t", 0)])
    old.settled(1)
    assert book.to_commit() == {}
    book.of("t", 0).taken(1, 1)
    assert [book.begin("t", 0, 2), book.begin("t", 0, 1)] == [False, True]


def test_going_back_forgets_the_mark() -> None:
    """A topic that was deleted and made again begins anew, and so does a reader that seeks back."""
    progress = PartitionProgress("t", 0)
    begun(progress, 19)
    progress.settled(19)
    progress.committed = 20
    begun(progress, 0, 1)
    assert progress.to_commit is None
    progress.settled(0)
    assert progress.to_commit == 1


def test_what_the_book_commits() -> None:
    """All partitions, or some; each offset once."""
    book = OffsetBook()
    for number in (0, 1):
        book.of("t", number).taken(1, 1)
        book.begin("t", number, 1)
        book.of("t", number).settled(1)
    assert book.to_commit([("t", 1)]) == {("t", 1): 2}
    book.committed({("t", 1): 2})
    assert book.to_commit() == {("t", 0): 2}
    assert book.running == 2
    book.ended()
    assert book.running == 1
