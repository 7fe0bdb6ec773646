"""Real children for tests: started ahead, given jobs on a small market, and ended whatever a test did to them."""

import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from algotrade.child import Child, ChildEnded
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.nursery import Nursery
from algotrade.spec import BacktestSpec, RunInputs
from tests.engine.market import random_bars
from tests.environment import KERNELS
from tests.stack import wait_for

N_BARS = 300
LAST_WORDS = {"done", "failed", "stopped"}
STRATEGY = """
import ctypes, json, os, signal, sys, threading, time
import numpy as np
from algotrade.strategies import Param, Strategy
{above}

class Mine(Strategy):
    compiled = {compiled}
    length = Param(5, low=2, high=50)

    @staticmethod
    def on_bar(bars, ind, params, broker):
{on_bar}
"""


class Children:
    """Has children forked by a nursery, as a worker has, and ends all of them."""

    def __init__(self):
        self._given = []
        self._nursery = self._warm = None

    def start(self, **options):
        """Return a child of its own."""
        if self._nursery is None or not self._nursery.is_alive:
            self._nursery = Nursery(kernels=KERNELS)
        child = Child(nursery=self._nursery, **options)
        self._given.append(child)
        return child

    def warm(self):
        """Return the child that other tests used, if it answers, or else another."""
        if self._warm is not None and not self._answers(self._warm):
            self._warm.close()
            self._warm = None
        if self._warm is None:
            self._warm = self.start()
            self._given.remove(self._warm)
        return self._warm

    def _answers(self, child):
        try:
            child.send({"job": "describe", "source": "/nowhere", "module": "none"})
            message = child.receive(5.0)
        except ChildEnded:
            return False
        return message is not None and "error" in message

    def end_given(self):
        """End those that tests have to themselves."""
        while self._given:
            self._given.pop().close()

    def end(self):
        """End all."""
        self.end_given()
        for process in filter(None, (self._warm, self._nursery)):
            process.close()


@pytest.fixture(scope="module")
def _children():
    children = Children()
    yield children
    children.end()


@pytest.fixture
def start(_children):
    """Return a function that starts a child; it is ended after the test."""
    yield _children.start
    _children.end_given()


@pytest.fixture
def child(start):
    """Return a child that nobody used."""
    return start()


@pytest.fixture
def warm(_children):
    """Return a child that other tests used, for deeds that it outlives."""
    return _children.warm()


@pytest.fixture(scope="session")
def market(tmp_path_factory):
    """Return a store with 300 daily bars: its folder, their dataset, the bars."""
    store = CandleStore(tmp_path_factory.mktemp("market") / "candles")
    bars = random_bars(5, N_BARS)
    dataset = store.add(bars, Instrument("TEST", "EX", 0.01, 1.0), "1d")
    return SimpleNamespace(root=store.root, dataset=dataset, bars=bars)


@pytest.fixture
def job(tmp_path, market):
    """Return a function that writes a strategy into a folder and returns the job of a backtest with it."""
    n_jobs = 0

    def job(on_bar="pass", *, above="", compiled=False, file=None, folder=None, **spec):
        nonlocal n_jobs
        n_jobs += 1
        folder = folder or tmp_path / f"source{n_jobs}"
        folder.mkdir(exist_ok=True)
        source = STRATEGY.format(
            above=textwrap.dedent(above), compiled=compiled, on_bar=textwrap.indent(textwrap.dedent(on_bar), " " * 8)
        )
        (folder / "mine.py").write_text(source if file is None else file)
        asked = BacktestSpec(
            strategy_name="mine",
            asset="TEST",
            exchange="EX",
            timeframe="1d",
            start_ns=market.dataset.first_ns,
            end_ns=market.dataset.last_ns,
            parameters={"length": 5},
        ).to_dict()
        inputs = RunInputs(
            source_hash=f"{folder.name}{time.time_ns():x}",
            dataset_hash=market.dataset.version,
            instrument=market.dataset.instrument.to_dict(),
            engine="1",
        )
        return {
            "job": "backtest",
            "source": str(folder),
            "module": "mine",
            "spec": asked | spec,
            "inputs": inputs.to_dict(),
            "store": str(market.root),
            "kernels": str(KERNELS),
            "out": str(tmp_path / f"out{n_jobs}"),
        }

    return job


def messages_of(child, job, seconds=30.0):
    """Send a job and return all messages up to the child's last word on it."""
    child.send(job)
    return rest_of(child, seconds)


def rest_of(child, seconds=30.0):
    """Return the messages from here up to the child's last word."""
    deadline, messages = time.monotonic() + seconds, []
    while not (messages and messages[-1].keys() & LAST_WORDS):
        message = child.receive(max(0.0, deadline - time.monotonic()))
        assert message is not None, f"no last word within {seconds} s after {messages}; it printed {child.log}"
        messages.append(message)
    return messages


def answer_of(child, job, seconds=30.0):
    """Send a job and return the child's last word on it."""
    return messages_of(child, job, seconds)[-1]


def written(path, seconds=20.0):
    """Wait for a file that a strategy writes whole, and return the numbers in it."""
    path = Path(path)
    wait_for(lambda: path.exists() and path.read_text().endswith("\n"), seconds, f"writing of {path.name}")
    return [int(word) for word in path.read_text().split()]
