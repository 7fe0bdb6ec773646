"""How soon a process that ended is started again, and which node is taken for dead."""

import pytest
from django.db import OperationalError

from runs.models import Worker
from runs.node import supervisor
from runs.node.supervisor import (
    LONGEST_PAUSE_SECONDS,
    SECONDS_TO_START,
    SETTLED_SECONDS,
    SILENT_SECONDS,
    WATCHDOG_SECONDS,
    Part,
    Supervisor,
)
from runs.owners import place


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


def test_part_gets_what_it_reads_and_no_other_secret(part, monkeypatch):
    for name in ("MY_TOKEN", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "ALGOTRADE_HOME", "PGPASSFILE"):
        monkeypatch.setenv(name, "planted")
    given = {}
    monkeypatch.setattr(supervisor.subprocess, "Popen", lambda *_, env, **__: given.update(env))
    Part("web", ["web"]).start()
    assert {"DATABASE_URL", "ALGOTRADE_HOME", "PGPASSFILE", "PATH"} <= given.keys()
    assert not {"MY_TOKEN", "AWS_SECRET_ACCESS_KEY"} & given.keys()


def test_process_that_ends_at_once_waits_longer_each_time(part, clock, capfd):
    pauses = [pause_after(part, clock, 0.5) for _ in range(8)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


def test_process_that_had_settled_starts_again_soon(part, clock, capfd):
    assert [pause_after(part, clock, 0.5), pause_after(part, clock, 0.5)] == [0.2, 0.4]
    assert pause_after(part, clock, SETTLED_SECONDS + 0.1) == 0.2


class LivingProcess:
    """A process that ends when it is told to."""

    pid, returncode, n_kills = 7, None, 0

    def poll(self):
        return self.returncode

    def kill(self):
        self.n_kills += 1


@pytest.fixture
def watched(clock, monkeypatch):
    """Return a supervisor, the process of its node, and the row of the node's worker."""
    monkeypatch.setattr(supervisor, "close_old_connections", lambda: None)  # it would close the test's transaction
    process = LivingProcess()
    node = Part("worker", ["worker"], process, started=clock.now)
    worker = Worker.objects.create(host=place(), pid=7, started_ticks=1, node_pid=1, version="1")
    return Supervisor([node]), process, worker


def watch(supervisor, clock, seconds, worker=None):
    """Let the supervisor look for so many seconds, while `worker` beats."""
    for _ in range(int(seconds / WATCHDOG_SECONDS)):
        clock.now += WATCHDOG_SECONDS
        if worker is not None:
            worker.beat += 1
            worker.save()
        supervisor.tick()


@pytest.mark.django_db
def test_node_that_takes_long_to_start_is_left_alone(watched, clock):
    supervisor, process, _ = watched
    watch(supervisor, clock, SECONDS_TO_START)
    assert process.n_kills == 0


@pytest.mark.django_db
def test_node_that_counts_no_beats_any_more_is_ended(watched, clock):
    supervisor, process, worker = watched
    watch(supervisor, clock, 2 * SECONDS_TO_START, worker)
    watch(supervisor, clock, SILENT_SECONDS - WATCHDOG_SECONDS)
    assert process.n_kills == 0
    watch(supervisor, clock, WATCHDOG_SECONDS)
    assert process.n_kills == 1


@pytest.mark.django_db
def test_supervisor_outlives_a_database_that_is_away(watched, clock, monkeypatch):
    def away(**_):
        raise OperationalError("away")

    supervised, process, _ = watched
    monkeypatch.setattr(Worker.objects, "filter", away)
    watch(supervised, clock, 2 * SECONDS_TO_START)
    assert process.n_kills == 0
