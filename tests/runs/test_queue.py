"""The node's queue between processes: whole messages, whoever is killed."""

import os
import signal

import pytest

from runs.queue import DatagramQueue, _Flag, _Timer


@pytest.fixture
def make_queue():
    """Return a function that makes queues, which are closed with the test."""
    queues = []

    def make(maxsize=0):
        queues.append(DatagramQueue(maxsize))
        return queues[-1]

    yield make
    for queue in queues:
        queue._reader.close()
        queue._writer.close()


def test_queue_gives_objects_in_order(make_queue):
    queue = make_queue()
    queue.put({"args": (1,)})
    queue.put("STOP")
    assert (queue.get(), queue.get(), queue.empty()) == ({"args": (1,)}, "STOP", True)


def test_queue_tells_whether_something_waits(make_queue):
    queue = make_queue()
    before = (queue.empty(), queue.qsize())
    queue.put(1)
    assert (before, (queue.empty(), queue.qsize())) == ((True, 0), (False, 1))


def test_bounded_queue_holds_one_message_that_nobody_fetched(make_queue):
    queue = make_queue(maxsize=2)
    queue.put("first")
    child = os.fork()
    if child == 0:
        queue.put("second")  # waits until the first one is fetched
        os._exit(0)
    try:
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        assert queue.get() == "first"
        assert queue.get() == "second"
    finally:
        assert os.waitpid(child, 0)[1] == 0


def test_reader_killed_while_it_waits_blocks_nobody(make_queue):
    queue = make_queue()
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(tell, b"x")
        queue.get()
        os._exit(0)
    os.read(ready, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    queue.put("still here")
    assert queue.get() == "still here"


def test_queue_without_writers_raises_end_of_file(make_queue):
    queue = make_queue()
    queue._writer.close()
    with pytest.raises(EOFError):
        queue.get()


def test_timer_is_shared_and_has_no_lock_to_lose():
    timer = _Timer("f", -1)
    child = os.fork()
    if child == 0:
        timer.get_lock().__enter__()
        timer.value = 7.0
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with timer.get_lock():
        assert timer.value == 7.0


def test_flag_is_shared_and_waited_for():
    flag = _Flag()
    assert not flag.wait(0.0)
    child = os.fork()
    if child == 0:
        flag.set()
        os.kill(os.getpid(), signal.SIGKILL)
    assert flag.wait(20.0)
    os.waitpid(child, 0)
    assert flag.is_set()
