"""How soon a process that ended is started again."""

import pytest

from runs import supervisor
from runs.supervisor import LONGEST_PAUSE_SECONDS, SETTLED_SECONDS, Part


class Clock:
    now = 1_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(supervisor, "time", clock)
    return clock


@pytest.fixture
def part(clock, monkeypatch):
    """Return a part whose process ends at once."""
    monkeypatch.setattr(supervisor.settings, "BASE_DIR", supervisor.settings.BASE_DIR / "nowhere")
    part = Part("worker", ["worker"])
    part.start()
    yield part
    if part.process is not None:
        part.process.wait()


def pause_after(part, clock, seconds):
    """Let the part's process end `seconds` after its start; return how long its next start waits."""
    part.process.wait()
    clock.now += seconds
    part.revive()
    assert part.process is None
    pause = part.not_before - clock.now
    clock.now = part.not_before
    part.revive()
    assert part.process is not None
    return round(pause, 6)


def test_process_that_ends_at_once_waits_longer_each_time(part, clock, capfd):
    pauses = [pause_after(part, clock, 0.5) for _ in range(8)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


def test_process_that_had_settled_starts_again_soon(part, clock, capfd):
    assert [pause_after(part, clock, 0.5), pause_after(part, clock, 0.5)] == [0.2, 0.4]
    assert pause_after(part, clock, SETTLED_SECONDS + 0.1) == 0.2
