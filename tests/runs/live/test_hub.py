"""The hub: one read for many sockets, never an older state, no trouble that spreads."""

import asyncio
from contextlib import suppress

import pytest
from django.db import OperationalError
from django.db.models import F

from runs.live import hub as hub_module
from runs.live.hub import NOT_FOUND, OVER, TRY_AGAIN, Hub
from runs.live.mailbox import MAX_STATES, Mailbox, State
from runs.models import Run, RunState
from tests.builders import make_run
from tests.runs.sockets import in_database


def state(rev, number=1, text=None, *, is_final=False):
    return State(number, rev, (text or f"{number}:{rev}",), is_final)


async def taken(mailbox, timeout=30):
    return await asyncio.wait_for(mailbox.take(), timeout)


def test_mailbox_keeps_the_latest_state_of_a_run_only():
    async def scenario():
        mailbox = Mailbox()
        for rev in range(1, 1_000):
            mailbox.offer(state(rev))
        return await taken(mailbox)

    assert asyncio.run(scenario()) == (["1:999"], None)


def test_mailbox_never_goes_back():
    async def scenario():
        mailbox = Mailbox()
        mailbox.offer(state(5))
        mailbox.offer(state(4))
        first = await taken(mailbox)
        mailbox.offer(state(5))
        mailbox.offer(state(3))
        mailbox.offer(state(6))
        return first, await taken(mailbox)

    assert asyncio.run(scenario()) == ((["1:5"], None), (["1:6"], None))


def test_mailbox_gives_what_waits_before_it_closes():
    async def scenario():
        mailbox = Mailbox()
        mailbox.offer(state(1))
        mailbox.close(OVER)
        mailbox.close(TRY_AGAIN)
        mailbox.offer(state(2))
        return await taken(mailbox)

    assert asyncio.run(scenario()) == (["1:1"], OVER)


def test_mailbox_of_a_reader_that_does_not_read_is_bounded():
    async def scenario():
        mailbox = Mailbox()
        for number in range(MAX_STATES + 100):
            mailbox.offer(state(1, number))
        return await taken(mailbox)

    waiting, _ = asyncio.run(scenario())
    assert (len(waiting), waiting[-1]) == (MAX_STATES, f"{MAX_STATES + 99}:1")


@pytest.fixture
def rendered(monkeypatch):
    """Render plain texts, and count how often."""
    calls = []

    def render(run):
        calls.append(run.number)
        return f"{run.state} {run.rev}"

    monkeypatch.setattr(hub_module.fragments, "render_live", render)
    monkeypatch.setattr(hub_module.fragments, "live_json", lambda _run: {})
    monkeypatch.setattr(hub_module.fragments, "render_row", render)
    return calls


@pytest.mark.django_db(transaction=True)
def test_run_is_rendered_once_however_many_watch_it(rendered):
    run = make_run(RunState.RUNNING)

    async def scenario():
        hub = Hub()
        mailboxes = [hub.watch_run(run.pk) for _ in range(50)]
        received = [await taken(mailbox) for mailbox in mailboxes]
        late = await taken(hub.watch_run(run.pk))
        return [*received, late]

    assert len(asyncio.run(scenario())) == 51
    assert rendered == [run.number]


@pytest.mark.django_db(transaction=True)
def test_hub_rests_when_nobody_watches(rendered):
    run = make_run()

    async def scenario():
        hub = Hub()
        mailbox = hub.watch_run(run.pk)
        await taken(mailbox)
        hub.forget(mailbox)
        await asyncio.wait_for(hub._task, 20)
        again = hub.watch_run(run.pk)
        return await taken(again)

    assert asyncio.run(scenario())[0][0] == "pending 1"


@pytest.mark.django_db(transaction=True)
def test_hub_goes_on_after_the_database_was_away(rendered, monkeypatch):
    run = make_run(RunState.RUNNING)
    failures = [OperationalError("database is locked")] * 3
    read = hub_module._read_revs

    def flaky(numbers):
        if failures:
            raise failures.pop()
        return read(numbers)

    monkeypatch.setattr(hub_module, "_read_revs", flaky)

    async def scenario():
        return await taken(Hub().watch_run(run.pk), 5)

    assert asyncio.run(scenario())[0][0] == "running 1"
    assert not failures


@pytest.mark.django_db(transaction=True)
def test_run_that_cannot_be_rendered_hurts_no_other(rendered, monkeypatch):
    good, bad = make_run(), make_run()

    def render(run):
        if run.pk == bad.pk:
            raise ZeroDivisionError
        return "good"

    monkeypatch.setattr(hub_module.fragments, "render_live", render)

    async def scenario():
        hub = Hub()
        mailboxes = [hub.watch_run(run.pk) for run in (bad, good)]
        return [await taken(mailbox) for mailbox in mailboxes]

    broken, fine = asyncio.run(scenario())
    assert broken == ([], TRY_AGAIN)
    assert fine[0][0] == "good"


@pytest.mark.django_db(transaction=True)
def test_run_that_is_gone_is_said_to_be(rendered):
    async def scenario():
        return await taken(Hub().watch_run(10**9))

    assert asyncio.run(scenario()) == ([], NOT_FOUND)


@pytest.mark.django_db(transaction=True)
def test_reader_that_does_not_read_does_not_delay_another(rendered):
    run = make_run(RunState.RUNNING)

    async def scenario():
        hub = Hub()
        hub.watch_run(run.pk)  # nobody takes from this one
        reader = hub.watch_run(run.pk)
        await taken(reader)
        seen = []
        for processed in (1, 2, 3):
            await in_database(run.write_progress, "owner", processed=processed, phase="", live={})
            seen.append((await taken(reader))[0][0])
        return seen

    assert asyncio.run(scenario()) == ["running 2", "running 3", "running 4"]


@pytest.mark.django_db(transaction=True)
def test_list_is_told_of_a_run_that_came_and_ended_between_two_rounds(rendered):
    run = make_run(RunState.COMPLETED)
    Run.objects.update(updated_at="2020-01-01T00:00:00Z")

    async def scenario():
        hub = Hub()
        mailbox = hub.watch_list(run.user_id)
        while hub._list is None:  # until the hub knows what there was
            await asyncio.sleep(0.01)
        await in_database(make_run, RunState.FAILED, user=run.user)
        return await taken(mailbox)

    assert asyncio.run(scenario()) == (["failed 1"], None)


@pytest.mark.django_db(transaction=True)
def test_many_watchers_see_every_end(rendered):
    runs = [make_run(RunState.RUNNING) for _ in range(20)]

    async def scenario():
        hub = Hub()
        mailboxes = [hub.watch_run(run.pk) for run in runs for _ in range(10)]
        for run in runs:
            await in_database(run.mark_cancelled)
        return await asyncio.gather(*(last_of(mailbox) for mailbox in mailboxes))

    assert set(asyncio.run(scenario())) == {("cancelled 2", OVER)}


async def last_of(mailbox):
    text, code = "", None
    while code is None:
        waiting, code = await taken(mailbox)
        text = waiting[0] if waiting else text
    return text, code


@pytest.mark.django_db(transaction=True)
def test_page_is_sent_at_most_five_states_a_second(rendered):
    run = make_run(RunState.RUNNING)

    async def scenario():
        hub = Hub()
        mailbox = hub.watch_run(run.pk)
        await taken(mailbox)
        began = asyncio.get_running_loop().time()
        seen, code = [], None
        while asyncio.get_running_loop().time() - began < 1.0:
            await in_database(Run.objects.filter(pk=run.pk).update, rev=F("rev") + 1)
            hub.wake()
            with suppress(TimeoutError):
                seen += (await taken(mailbox, 0.05))[0][:1]
        n_seen = len(seen)
        await in_database(run.mark_cancelled)
        while code is None:
            states, code = await taken(mailbox)
            seen += states[:1]
        return n_seen, seen[-1], code

    n_seen, last, code = asyncio.run(scenario())
    assert 2 <= n_seen <= 6
    assert last.startswith("cancelled")
    assert code == OVER
