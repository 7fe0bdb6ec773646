"""A run and its ticket to the workers: both are there, or neither."""

import pytest
from django.db import transaction
from django_q.models import OrmQ

from runs import notify, queue
from runs.models import Run, RunState
from tests.builders import make_download, make_run


@pytest.fixture
def one_machine(settings):
    """Say that there is no Redis: tickets lie in the database."""
    settings.REDIS_URL = ""


@pytest.fixture
def with_redis(settings, monkeypatch):
    """Say that tickets go through Redis; return the ids for which one was sent."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    sent = []
    monkeypatch.setattr(queue, "enqueue", sent.append)
    monkeypatch.setattr(notify, "ring", lambda: None)
    return sent


@pytest.mark.usefixtures("one_machine")
@pytest.mark.django_db(transaction=True)
def test_ticket_goes_down_with_the_transaction_of_its_run():
    with transaction.atomic():
        make_run().announce()
        transaction.set_rollback(True)
    assert (Run.objects.count(), OrmQ.objects.count()) == (0, 0)


@pytest.mark.usefixtures("one_machine")
@pytest.mark.django_db(transaction=True)
def test_resumed_run_has_one_ticket():
    assert make_download(RunState.CANCELLED).mark_resumed()
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ticket_through_redis_is_sent_once_the_run_is_committed(with_redis):
    with transaction.atomic():
        run = make_run()
        run.announce()
        assert not with_redis
    assert with_redis == [run.id]


@pytest.mark.django_db(transaction=True)
def test_redis_that_is_away_takes_no_run_with_it(with_redis, monkeypatch):
    def refuse(_run_id):
        raise ConnectionError("Redis is away.")

    monkeypatch.setattr(queue, "enqueue", refuse)
    assert make_download(RunState.CANCELLED).mark_resumed()
    assert Run.objects.get().state == RunState.PENDING
