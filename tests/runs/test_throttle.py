"""Throttle: a limit holds for any sixty seconds, not for a minute of the clock, and tells when the next try is due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from runs import throttle

pytestmark = pytest.mark.usefixtures("fresh_counts")
FULL_MINUTE = 29_000_000 * 60.0


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that the test sets: `clock[0]`, seconds since 1970."""
    now = [FULL_MINUTE]
    monkeypatch.setattr(throttle.time, "time", lambda: now[0])
    return now


def takes(count, limit=5, who="ann"):
    return [throttle.take("login", who, limit) for _ in range(count)]


@pytest.mark.parametrize("before", range(6))
def test_full_minute_between_attempts_gives_no_further_one(clock, before):
    clock[0] = FULL_MINUTE - 0.01
    assert takes(before) == [0] * before
    clock[0] = FULL_MINUTE + 0.01
    *allowed, refused = takes(6 - before)
    assert not any(allowed)
    assert refused


def test_attempts_of_a_minute_ago_no_longer_count(clock):
    takes(5)
    clock[0] += 120
    assert takes(5) == [0] * 5


@given(
    gaps=st.lists(st.floats(0, 40), min_size=1, max_size=30),
    start=st.floats(0, 60, exclude_max=True),
    limit=st.integers(1, 6),
)
def test_who_waits_as_long_as_told_is_let_in(gaps, start, limit):
    with pytest.MonkeyPatch.context() as patch:
        now = FULL_MINUTE + start
        patch.setattr(throttle.time, "time", lambda: now)
        throttle.caches["default"].clear()
        for gap in gaps:
            now += gap
            wait = throttle.take("login", "ann", limit)
            assert 0 <= wait <= 120
            if wait:
                now += wait
                assert throttle.take("login", "ann", limit) == 0


def test_refused_attempts_lengthen_no_wait(clock):
    takes(5)
    first, *others = takes(50)
    assert set(others) == {first}


def test_forgotten_count_starts_afresh_on_both_sides_of_a_full_minute(clock):
    clock[0] = FULL_MINUTE - 1
    takes(5)
    clock[0] = FULL_MINUTE + 1
    throttle.forget("login", "ann")
    assert takes(5) == [0] * 5


def test_counts_of_two_people_are_apart(clock):
    takes(5)
    assert takes(1, who="bob") == [0]


def test_without_the_shared_cache_this_process_counts(clock, monkeypatch):
    class Down:
        def __getattr__(self, _):
            raise RedisConnectionError("refused")

    caches = {"default": Down(), "local": throttle.caches["local"]}
    monkeypatch.setattr(throttle, "caches", caches)
    assert [bool(wait) for wait in takes(6)] == [False] * 5 + [True]
    throttle.forget("login", "ann")
    assert takes(1) == [0]
