"""Answers without what differs from one run of the scenario to the next: times, speeds, ids, hashes, places in code.

What is replaced keeps its kind: a time becomes `<time>`, a number `<number>`, and null stays null. So a field that
is gone, that was empty before, or that holds another kind of value is still a difference.
"""

import re
from pathlib import Path

from tests.environment import ROOT

UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
SHORT_HASH = re.compile(r"\(([0-9a-f]{7})\)")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*")
HASH = re.compile(r"[0-9a-f]{64}")
RUN_NUMBER = re.compile(r"\b((?:back|optimiz|down)[a-z]*[ -]|r=[bo])\d+\b", re.IGNORECASE)
"""A run as people call it. PostgreSQL gives a number to a submission that turns out to be an active run's, too."""
FRAME = r'  File "(?!strategies/)[^"\n]*", line \d+, in [^\n]*\n(?:    [^\n]*\n)*'
FRAMES = re.compile(f"(?:{FRAME})+")
"""Neighbouring lines of a traceback that are of no strategy."""
PRODUCT_FRAMES = "  <the product>\n"

TIMES = {"created_at", "started_at", "finished_at", "stored_at", "expires_at"}
SPEEDS = {"rate", "eta_seconds", "duration_ms", "seconds"}
MEASURED = {"estimated_seconds"}
"""What is null when this machine had no time to measure it."""
HASHES = {"run_key", "source_hash", "engine"}
CHANGES = {"rev"}
NUMBERED = {"id", "optimization"}
"""Fields beside which `number` is a run's: the databases do not count alike, see `RUN_NUMBER`."""
VOLATILE = TIMES | SPEEDS | HASHES | CHANGES
"""Fields that no two runs of the scenario share, or that change when source code moves."""


def kind_of(value):
    """Return a mark that says what kind of value there is; nothing stays nothing."""
    if value is None or isinstance(value, bool) or value == "":
        return value
    if isinstance(value, int | float):
        return "<number>"
    if isinstance(value, list | dict):
        return "<list>" if isinstance(value, list) else "<object>"
    if HASH.fullmatch(str(value)):
        return "<hash>"
    return "<time>" if TIME.fullmatch(str(value)) else "<text>"


class Normaliser:
    """What is known of one product: the folders that it lives in, its address, and the names that ids were given."""

    def __init__(self, home: Path, origin: str = ""):
        """Know a home folder and the address of the product on it."""
        self._texts = [(str(home), "<home>"), (str(ROOT), "<product>"), (origin, "<origin>")]
        self._names = {}

    def name(self, uuid, name):
        """Call an id by a name from now on."""
        self._names[uuid] = f"<{name}>"

    def text(self, text):
        """Return a text with names in place of ids and folders, and with the strategy's lines only in tracebacks."""
        for found, name in self._texts:
            text = text.replace(found, name) if found else text
        text = UUID.sub(lambda found: self._named(found[0]), text)
        text = RUN_NUMBER.sub(r"\1<number>", SHORT_HASH.sub("(<hash>)", text))
        return FRAMES.sub(PRODUCT_FRAMES, text) if "Traceback" in text else text

    def value(self, value, volatile=()):
        """Return a JSON value in the form in which it is compared.

        Args:
            value: of an answer.
            volatile: further fields of which only the kind counts; None: every field of it counts, it is no answer
                about runs.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item, volatile) for item in _own_frames(value)]
        if isinstance(value, dict) and volatile is None:
            return {name: self.value(item, None) for name, item in value.items()}
        if isinstance(value, dict):
            volatile = {*volatile, "number"} if value.keys() & NUMBERED else set(volatile) - {"number"}
            return {self.text(name): self._field(name, item, volatile) for name, item in value.items()}
        return value

    def _field(self, name, value, volatile):
        is_scalar = not isinstance(value, list | dict)
        if is_scalar and name in MEASURED:
            return "<number or null>"
        if name in volatile or (is_scalar and name in VOLATILE):
            return kind_of(value)
        return self.value(value, volatile)

    def _named(self, uuid):
        return self._names.setdefault(uuid, f"<id {len(self._names) + 1}>")


def _own_frames(items):
    """Return the frames of an error's detail, those of the product as one mark; any other list as it is."""
    if not items or not all(isinstance(item, dict) and "is_strategy" in item for item in items):
        return items
    marks = [item if item["is_strategy"] else "<the product>" for item in items]
    return [mark for at, mark in enumerate(marks) if at == 0 or mark != marks[at - 1] or isinstance(mark, dict)]
