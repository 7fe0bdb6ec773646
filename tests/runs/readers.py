"""A reader of files within the test's own process, quick and to be looked into, in place of the child."""

from pathlib import Path

from algotrade.market.importing import reading
from runs.datasets import reading as dataset_reading

HEADER = "timestamp,open,high,low,close,volume"
ROWS = [f"2020-01-0{day},97.31,98,97,97.5,10" for day in range(1, 6)]
NAMES = {"asset": "SPY", "exchange": "NYSE", "timeframe": "1d"}


def csv(rows=ROWS, header=HEADER):
    """Return a file of candles."""
    return "\n".join([header, *rows]).encode()


class InlineChild:
    """Says what the child says, in its order: progress, the question, the answer."""

    before_storing = staticmethod(lambda: None)

    def __init__(self, **options):
        self.job, self.said, self.is_asked = None, [], False

    def send(self, message):
        """Take a job, or the answer to the question."""
        if "job" in message:
            self.job = message
            self.said = [{"phase": "Reading", "done": 1, "total": 2}]
            if message["job"] == "import" and not self._refuses():
                type(self).before_storing()
                self.said.append({"ask": "store"})
            else:
                self.said.append(self._answer())
        elif message["store"]:
            self.said.append(self._answer())

    def receive(self, timeout):
        """Return the next thing said."""
        return self.said.pop(0) if self.said else None

    def close(self):
        """End."""

    def _refuses(self):
        look = {**self.job, "job": "inspect"}
        answer = reading.answer(look, lambda *_: None, lambda: False)
        return "refused" in answer or answer["preview"]["n_errors"]

    def _answer(self):
        return reading.answer(self.job, lambda *_: None, lambda: True)


def install(monkeypatch):
    """Read files in this process, before the answer is given."""
    monkeypatch.setattr(dataset_reading, "Child", InlineChild)
    monkeypatch.setattr(dataset_reading, "_run", lambda deed, _seconds: deed())


def left_over(home):
    """Return every file below uploads and candles."""
    return sorted(
        str(path.relative_to(home)) for name in ("uploads", "candles") for path in (Path(home) / name).rglob("*.*")
    )
