"""The children of a worker: forked by a nursery, which is replaced when it is gone."""

import os
import signal

from runs.worker.children import Children
from tests.stack import parent_of, wait_for


def test_worker_whose_nursery_was_killed_starts_another():
    children = Children()
    first = children.take("a")
    os.kill(parent_of(first.pid), signal.SIGKILL)
    wait_for(lambda: not first.is_alive, what="the end of the first child")
    second = children.take("a")
    second.send({"job": "describe", "source": "/nowhere", "module": "none"})
    assert "error" in second.receive(30.0)
    for child in (first, second):
        child.close()
    children._nursery.get().close()
