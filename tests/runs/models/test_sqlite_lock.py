"""Whose turn it is to write: one thread at a time in SQLite, and nobody waits who holds the database's lock."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from runs.models import sqlite_lock
from runs.models.sqlite_lock import sqlite_write_lock


@pytest.fixture
def others_write():
    """Have another thread hold the turn until the test ends."""
    holds, may_end = threading.Event(), threading.Event()

    def write():
        try:
            with sqlite_write_lock():
                holds.set()
                may_end.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert holds.wait(10)
    yield may_end
    may_end.set()
    writer.join(10)


@pytest.fixture
def sqlite(transactional_db):
    if connection.vendor != "sqlite":
        pytest.skip("Writers of SQLite take turns.")


def test_writer_waits_for_the_one_before(sqlite, others_write):
    threading.Timer(0.1, others_write.set).start()
    with sqlite_write_lock():
        assert others_write.is_set()
    with sqlite_write_lock():  # and gives it back
        assert not sqlite_lock._turn.acquire(blocking=False)


def test_writer_that_waits_too_long_is_told_what_a_locked_database_tells(sqlite, others_write, monkeypatch):
    monkeypatch.setattr(sqlite_lock, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(OperationalError, match="database is locked"), sqlite_write_lock():
        pytest.fail("It was not its turn.")


def test_who_holds_the_lock_of_the_database_waits_for_nobody(sqlite, others_write, monkeypatch):
    monkeypatch.setattr(sqlite_lock, "PATIENCE_SECONDS", 0.05)
    with transaction.atomic(), sqlite_write_lock():
        assert not others_write.is_set()


def test_turn_comes_back_from_a_writer_that_fails(sqlite):
    with pytest.raises(KeyError), sqlite_write_lock():
        raise KeyError
    assert not sqlite_lock._turn.locked()
