"""Websockets: who may listen, what comes first, how it ends."""

import asyncio
import json
import uuid

import pytest

from runs.live import hub, sockets
from runs.models import Run, RunState
from tests.builders import RESULT, make_run, make_user
from tests.runs.sockets import close_code, frames, in_database, session_cookie, socket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def plain_fragments(monkeypatch):
    """Send short texts in place of the pages' parts: these tests are about when and to whom."""
    monkeypatch.setattr(hub.fragments, "render_live", lambda run: f"<p>{run.state} {run.rev}</p>")
    monkeypatch.setattr(hub.fragments, "live_json", lambda run: {"type": "chart", "rev": run.rev, "curve": {}})
    monkeypatch.setattr(hub.fragments, "render_row", lambda run: f"<tr>{run.number} {run.state} {run.rev}</tr>")


async def opened(path, session):
    client = socket(path, session=session)
    is_open, _ = await client.connect()
    assert is_open
    return client


def path_of(run):
    return f"/ws/backtests/{run.id}"


def test_first_comes_a_full_snapshot_as_html_and_chart():
    run = make_run(RunState.RUNNING)
    session = session_cookie(run.user)

    async def scenario():
        client = await opened(path_of(run), session)
        html, chart = await frames(client, 2)
        await client.disconnect()
        return html, json.loads(chart)

    html, chart = asyncio.run(scenario())
    assert html == "<p>running 1</p>"
    assert chart == {"type": "chart", "rev": 1, "curve": {}}


def test_each_change_comes_with_a_higher_rev():
    run = make_run(RunState.RUNNING)
    session = session_cookie(run.user)

    async def scenario():
        client = await opened(path_of(run), session)
        await frames(client, 2)
        revs = []
        for processed in (100, 200):
            await in_database(run.write_progress, "owner", processed=processed, phase="running_backtest", live={})
            _, chart = await frames(client, 2)
            revs.append(json.loads(chart)["rev"])
        await client.disconnect()
        return revs

    assert asyncio.run(scenario()) == [2, 3]


def test_terminal_state_is_sent_once_and_then_the_socket_closes_for_good():
    run = make_run(RunState.RUNNING)
    session = session_cookie(run.user)

    async def scenario():
        client = await opened(path_of(run), session)
        await frames(client, 2)
        await in_database(run.mark_completed, "owner", RESULT)
        html, _ = await frames(client, 2)
        return html, await client.receive_output(3)

    html, last = asyncio.run(scenario())
    assert html == "<p>completed 2</p>"
    assert last == {"type": "websocket.close", "code": 4000}


def test_socket_of_an_ended_run_gets_its_state_and_the_end():
    run = make_run(RunState.FAILED)
    session = session_cookie(run.user)

    async def scenario():
        client = await opened(path_of(run), session)
        html, _ = await frames(client, 2)
        return html, await client.receive_output(3)

    html, last = asyncio.run(scenario())
    assert html == "<p>failed 1</p>"
    assert last["code"] == 4000


def test_silence_is_filled_with_beats(monkeypatch):
    monkeypatch.setattr(sockets, "BEAT_SECONDS", 0.05)
    run = make_run()
    session = session_cookie(run.user)

    async def scenario():
        client = await opened(path_of(run), session)
        received = await frames(client, 4)
        await client.disconnect()
        return received

    assert json.loads(asyncio.run(scenario())[-1]) == {"type": "beat"}


@pytest.mark.parametrize("path", [f"/ws/backtests/{uuid.UUID(int=7)}", "/ws/elsewhere", "/"])
def test_unknown_address_is_closed_for_good(path):
    session = session_cookie(make_user())

    async def scenario():
        return await close_code(await opened(path, session))

    assert asyncio.run(scenario()) == 4004


@pytest.mark.parametrize("session", ["", "forged", '"nul\\000 within"'])
@pytest.mark.parametrize("path", ["/ws/runs", "/ws/backtests/{id}", "/ws/elsewhere"])
def test_stranger_is_told_to_log_in_and_gets_nothing(path, session):
    run = make_run()

    async def scenario():
        client = await opened(path.format(id=run.id), session)
        return await client.receive_output(3)

    assert asyncio.run(scenario()) == {"type": "websocket.close", "code": 4001}


def test_deactivated_user_is_a_stranger():
    user = make_user()
    session = session_cookie(user)
    user.is_active = False
    user.save()

    async def scenario():
        return await close_code(await opened("/ws/runs", session))

    assert asyncio.run(scenario()) == 4001


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1:9999",
        "http://127.0.0.1:8000.evil.example",
        "http://evil.example#127.0.0.1:8000",
        "http://user@127.0.0.1:8000",
        "file://127.0.0.1:8000",
        "http://[::1",
    ],
)
def test_foreign_page_is_refused_before_anything_is_read(origin):
    session = session_cookie(make_user())

    async def scenario():
        return await socket("/ws/runs", session=session, origin=origin).connect()

    assert asyncio.run(scenario()) == (False, 403)


def test_foreign_host_is_refused_even_by_its_own_page():
    async def scenario():
        return await socket("/ws/runs", origin="http://evil.example", host="evil.example").connect()

    assert asyncio.run(scenario()) == (False, 403)


def test_session_that_ends_meanwhile_ends_the_socket(monkeypatch):
    monkeypatch.setattr(sockets, "CHECK_SECONDS", 0.05)
    user = make_user(password="before before")
    session = session_cookie(user)

    def change_password():
        user.set_password("after after")
        user.save()

    async def scenario():
        client = await opened("/ws/runs", session)
        await in_database(change_password)
        return await close_code(client)

    assert asyncio.run(scenario()) == 4001


def test_run_that_is_deleted_meanwhile_ends_its_socket():
    run = make_run()
    session = session_cookie(run.user)

    async def scenario():
        client = await opened(path_of(run), session)
        await frames(client, 2)
        await in_database(run.delete)
        return await close_code(client)

    assert asyncio.run(scenario()) == 4004


@pytest.mark.parametrize(("text", "n"), [("x", 30), ("x" * 5_000, 1), ("\x00garbage{", 30)])
def test_client_that_talks_too_much_is_cut_off(text, n):
    session = session_cookie(make_user())

    async def scenario():
        client = await opened("/ws/runs", session)
        for _ in range(n):
            await client.send_to(text_data=text)
        return await close_code(client)

    assert asyncio.run(scenario()) == 4008


def test_single_word_from_the_client_is_ignored():
    run = make_run(RunState.RUNNING)
    session = session_cookie(run.user)

    async def scenario():
        client = await opened(path_of(run), session)
        await client.send_to(text_data='{"type": "subscribe", "run": "all"}')
        received = await frames(client, 2)
        await client.disconnect()
        return received

    assert len(asyncio.run(scenario())) == 2


def test_list_gets_rows_that_changed_and_new_ones():
    old = make_run(RunState.RUNNING)
    session = session_cookie(old.user)

    async def scenario():
        client = await opened("/ws/runs", session)
        snapshot = await client.receive_from(3)
        new = await in_database(make_run, user=old.user)
        created = await client.receive_from(3)
        await in_database(old.mark_cancelled)
        ended = await client.receive_from(3)
        await client.disconnect()
        return new, snapshot, created, ended

    new, snapshot, created, ended = asyncio.run(scenario())
    assert snapshot == f"<tr>{old.number} running 1</tr>"
    assert created == f"<tr>{new.number} pending 1</tr>"
    assert ended == f"<tr>{old.number} cancelled 2</tr>"


def test_list_tells_who_joins_of_a_run_that_has_just_ended():
    run = make_run()
    session = session_cookie(run.user)
    run.mark_cancelled()

    async def scenario():
        client = await opened("/ws/runs", session)
        row = await client.receive_from(3)
        await client.disconnect()
        return row

    assert asyncio.run(scenario()) == f"<tr>{run.number} cancelled 2</tr>"


def test_list_shows_only_what_its_viewer_may_see(monkeypatch):
    run = make_run()
    other = make_user()
    sessions = [session_cookie(run.user), session_cookie(other)]
    monkeypatch.setattr(type(Run.objects.all()), "visible_to", lambda self, user: self.filter(user_id=user.pk))

    async def scenario():
        mine, theirs = [await opened("/ws/runs", session) for session in sessions]
        row = await mine.receive_from(3)
        is_silent = await theirs.receive_nothing(0.4)
        await mine.disconnect()
        await theirs.disconnect()
        return row, is_silent

    assert asyncio.run(scenario()) == (f"<tr>{run.number} pending 1</tr>", True)
