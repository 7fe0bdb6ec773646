"""Nursery: a process that has imported what jobs need, and forks a runner in some milliseconds where one is asked for.

Each request comes over a socket, with the descriptors of the runner's input, output, log and standing. Into the last
one the nursery writes the runner's process id, and how it ended. It has one thread, so a fork of it is whole; runners
share the pages of what it imported. It ends with the worker that started it, and all its runners with it.
"""

import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from algotrade.lifeline import die_with
from algotrade.runner.__main__ import preload, serve

MOST_DESCRIPTORS = 4096


def main() -> None:
    """Fork runners until the worker is gone."""
    die_with(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the worker's affair
    worker = socket.socket(fileno=0)
    preload()
    with selectors.DefaultSelector() as selector:
        selector.register(worker, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not worker:
                    _tell_end(selector, key)
                elif not _answer(worker, selector):
                    return


def _answer(worker: socket.socket, selector: selectors.BaseSelector) -> bool:
    """Fork the runner that is asked for; False when nobody will ask any more."""
    message, descriptors, _, _ = socket.recv_fds(worker, 4096, 4)
    if not message:
        return False
    limits = json.loads(message)
    preload()  # the metrics may have been compiled since
    *pipes, standing = descriptors
    try:
        pid = os.fork()
    except OSError:  # no room for another process: the worker sees its child ended, and the others go on
        traceback.print_exc()
        pid = -1
    if not pid:
        _become_runner(descriptors, **limits)
    for descriptor in pipes if pid > 0 else descriptors:
        os.close(descriptor)
    if pid > 0:
        _say(standing, pid)
        selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, standing))
    return True


def _say(standing: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the worker has let go of this one
        os.write(standing, b"%d\n" % number)


def _tell_end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    pid, standing = key.data
    _, status = os.waitpid(pid, 0)
    selector.unregister(key.fileobj)
    os.close(key.fd)
    _say(standing, os.waitstatus_to_exitcode(status))
    os.close(standing)


def _become_runner(descriptors: list[int], memory_bytes: int, cpu_seconds: int) -> NoReturn:
    """Serve jobs as a process that was started for it would, and end."""
    status = 1
    try:
        nursery = os.getppid()
        os.setsid()
        for target, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, target)
        os.closerange(3, MOST_DESCRIPTORS)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        importlib.import_module("numpy.random").seed()  # else all runners would draw the same
        serve(nursery, memory_bytes, cpu_seconds)
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at the end of a program
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
