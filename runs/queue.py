"""Tickets to the workers, and the node that serves them. The only importer of django_q.

django-q2 is transport: a ticket carries a run's id, tasks are named by string. It is imported inside functions because
it reads the settings on import and makes processes' locks. What is replaced in it, and why, stands at `run_node`.
"""

import contextlib
import ctypes
import fcntl
import pickle
import select
import signal
import socket
import struct
import termios
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction

from algotrade.lifeline import bind_future_forks
from runs import shutdown

PREFETCH_POLL_SECONDS = 0.02
FLAG_POLL_SECONDS = 0.1


def enqueue(run_id: uuid.UUID) -> None:
    """Send a ticket for the run. A ticket that is lost is sent again by the reaper."""
    from django_q.tasks import async_task

    # In a transaction django-q2 leaves the connection alone; otherwise it closes it twice for each ticket.
    with transaction.atomic():
        async_task("runs.node.tasks.execute", str(run_id), task_name=f"run-{run_id}")


def enqueue_on_commit(run_id: uuid.UUID) -> None:
    """Send a ticket with the caller's transaction: as a row of it, or through Redis once it is committed.

    A row of the same transaction costs no second wait for the disk, and cannot get lost between the two.
    """
    if settings.REDIS_URL:
        transaction.on_commit(lambda: enqueue(run_id), robust=True)
    else:
        enqueue(run_id)


def is_empty() -> bool:
    """Whether no ticket waits in the broker."""
    from django_q.brokers import get_broker

    return int(get_broker().queue_size()) == 0


class DatagramQueue:
    """A queue between processes that no kill can block: the kernel hands out whole datagrams, no lock in user space.

    django-q2's own queue guards its pipe by a semaphore; a worker killed while it waits holds that for ever, and the
    node lives on and runs nothing.
    """

    def __init__(self, maxsize: int = 0) -> None:
        """Make the pair of sockets; `maxsize` > 0 makes `put` wait until every earlier message was fetched.

        One unfetched ticket is as many as a node should hold: more would wait here while another node is idle.
        """
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._is_bounded = maxsize > 0

    def put(self, obj: object) -> None:
        """Send an object, as a whole."""
        while self._is_bounded and self._unfetched_bytes():
            time.sleep(PREFETCH_POLL_SECONDS)
        self._writer.send(pickle.dumps(obj))

    def get(self) -> Any:
        """Wait for the next object.

        Raises:
            EOFError: nobody can write any more.
        """
        data = self._reader.recv(1 << 20)
        if not data:
            raise EOFError("The node's queue was closed.")
        return pickle.loads(data)

    def empty(self) -> bool:
        return not select.select([self._reader], [], [], 0)[0]

    def qsize(self) -> int:
        """Return 0 or 1: nothing, or something, waits."""
        return int(not self.empty())

    def close(self) -> None:
        """Do nothing: the sockets end with the process."""

    def join_thread(self) -> None:
        """Do nothing: there is no feeding thread."""

    def _unfetched_bytes(self) -> int:
        buffer = fcntl.ioctl(self._writer, termios.TIOCOUTQ, struct.pack("i", 0))
        return int(struct.unpack("i", buffer)[0])


class _Timer:
    """A number shared by a worker and its guard, without a lock that a killed worker could leave locked."""

    def __init__(self, _typecode: str, value: float) -> None:
        from multiprocessing.sharedctypes import RawValue

        self._cell = RawValue(ctypes.c_float, value)

    @property
    def value(self) -> float:
        return float(self._cell.value)

    @value.setter
    def value(self, value: float) -> None:
        self._cell.value = value

    def get_lock(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


class _Flag:
    """An event between processes, without the lock that a process killed while it looks would leave locked.

    The one that fetches tickets looks ten times a second; its successor would wait for ever, and the node with it.
    """

    def __init__(self) -> None:
        from multiprocessing.sharedctypes import RawValue

        self._cell = RawValue(ctypes.c_bool, False)

    def is_set(self) -> bool:
        return bool(self._cell.value)

    def set(self) -> None:
        self._cell.value = True

    def wait(self, timeout: float) -> bool:
        """Wait for the flag, at most `timeout` seconds; tell whether it is set."""
        deadline = time.monotonic() + timeout
        while not self.is_set() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(FLAG_POLL_SECONDS, left))
        return self.is_set()


def run_node(workers: int, on_worker_start: Callable[[], None]) -> int:
    """Serve tickets with `workers` processes until SIGTERM or SIGINT; return the exit status.

    Four things of django-q2 1.11.1 are replaced: its queue, its timers and its events (see DatagramQueue, _Timer and
    _Flag), and nothing of a node outlives its parent (its processes would otherwise go on unsupervised when the node is
    killed).

    On a stop the node shuts down: what its workers are running is given back at no charge, so it ends within seconds.
    """
    import django_q.cluster
    from django_q.conf import Conf
    from django_q.signals import post_spawn

    Conf.WORKERS = workers
    django_q.cluster.Queue = DatagramQueue
    django_q.cluster.Value = _Timer
    django_q.cluster.Event = _Flag
    bind_future_forks()

    def spawned(**_: object) -> None:
        on_worker_start()

    def shut_down(_signum: int, _frame: object) -> None:
        shutdown.begin()  # nothing else here: a lock taken in a handler could be taken already

    post_spawn.connect(spawned, weak=False)
    cluster = django_q.cluster.Cluster()
    cluster.start()
    signal.signal(signal.SIGTERM, shut_down)
    signal.signal(signal.SIGINT, shut_down)
    while cluster.sentinel.is_alive():
        if shutdown.has_begun() and not cluster.stop_event.is_set():
            cluster.stop_event.set()
        cluster.sentinel.join(0.1)
    return 0 if shutdown.has_begun() else 1
