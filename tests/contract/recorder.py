"""The recorder: asks a product, and writes each question with its answer into a part of the contract."""

import csv
import io
from itertools import islice

from tests.contract import strategies
from tests.contract.clients import Client, person, program
from tests.contract.normal import Normaliser
from tests.contract.outline import outline
from tests.stack import wait_for

KINDS = ("backtest", "optimization", "download")
ENDED = ("completed", "failed", "cancelled")
SETS = ("Allow", "Vary")
"""Headers that are sets."""
ROWS_OF_FILES = 3
BYTE_ORDER_MARK = "\ufeff"
SECONDS = 120.0


class Recorder:
    """Questions and answers of one product, by part and step.

    Attributes:
        product: the running product.
        ids: ids of the runs and files, by the names that the scenario gave them.
        numbers: numbers of the runs, likewise.
        parts: what was recorded.
    """

    def __init__(self, product):
        """Know the callers: the first user's program, somebody else's program, a browser, and a stranger."""
        self.product, self.ids, self.numbers, self.parts = product, {}, {}, {}
        self.normal = Normaliser(product.home, product.base_url)
        self.callers = {
            "owner": program(product.base_url, product.token),
            "stranger": Client(product.base_url),
            "forger": program(product.base_url, "at_nobody"),
        }

    def add_guest(self):
        """Make a second user, who is no staff."""
        make = "from django.contrib.auth import get_user_model as u; u().objects.create_user('guest')"
        self.product.manage("shell", "-v", "0", "-c", make)
        token = self.product.manage("api_token", "--user", "guest").split()[-1]
        self.callers["guest"] = program(self.product.base_url, token)

    def add_browser(self):
        """Log the first user in."""
        self.callers["browser"] = person(self.product)

    def part(self, name):
        """Return a recorder of one part."""
        return Part(self, self.parts.setdefault(name, {}))

    def finished(self, kind, name):
        """Wait for the end of a run, and return its status body."""
        address = f"/api/{kind}s/{self.ids[name]}/status"

        def find():
            body = self.callers["owner"].ask_json("GET", address).json()
            return body if body["status"] in ENDED else None

        return wait_for(find, SECONDS, f"the end of {kind} {name}")

    def waiting_at(self, gate, kind, name, phase, gates=None):
        """Wait until a run waits at a gate, and its row tells the phase that it is in."""
        gates = gates or self.product.home / "gates"
        address, owner = f"/api/{kind}s/{self.ids[name]}/status", self.callers["owner"]
        wait_for(lambda: strategies.is_waited_at(gates, gate), SECONDS, f"somebody at gate {gate}")
        wait_for(lambda: owner.ask_json("GET", address).json()["phase"] == phase, SECONDS, f"{phase} of {name}")

    def idle(self):
        """Wait until no run is active."""

        def is_so():
            owner = self.callers["owner"]
            queries = [f"/api/{kind}s/?status=pending,running&limit=1" for kind in KINDS]
            return not any(owner.ask_json("GET", query).json()["total"] for query in queries)

        wait_for(is_so, SECONDS, "the end of every run")

    def call(self, name, uuid):
        """Give an id a name."""
        self.ids[name] = uuid
        self.normal.name(uuid, name)


class Part:
    """One part of the contract: each step is a question and its answer."""

    def __init__(self, recorder, steps):
        """Write into `steps`."""
        self.recorder, self.steps = recorder, steps

    def ask(self, step, method, path, body=None, *, caller="owner", volatile=(), **headers):
        """Send JSON, record what comes back, and return it.

        Args:
            step: what the question is called; each part has a name once.
            method: of the question.
            path: likewise.
            body: JSON to send.
            caller: who asks.
            volatile: fields of the answer of which only the kind counts, because they depend on speed.
            headers: further ones.
        """
        answer = self.recorder.callers[caller].ask_json(method, path, body, **headers)
        return self._keep(step, f"{method} {path}", answer, sent=body, caller=caller, volatile=volatile)

    def send(self, step, path, data, *, method="POST", caller="owner", **headers):
        """Send bytes as they are; they are not recorded, the step's name tells what they are."""
        answer = self.recorder.callers[caller].ask(method, path, data, **headers)
        return self._keep(step, f"{method} {path}", answer, caller=caller)

    def send_file(self, step, path, name, content, *, volatile=(), **fields):
        """Send a file."""
        answer = self.recorder.callers["owner"].ask_file(path, name, content, **fields)
        return self._keep(step, f"POST {path}", answer, sent={"file": name, **fields}, volatile=volatile)

    def open(self, step, path, **headers):
        """Open a page as a person does."""
        answer = self.recorder.callers["browser"].ask("GET", path, **headers)
        return self._keep(step, f"GET {path}", answer, caller="browser")

    def press(self, step, path, volatile=(), headers=None, **fields):
        """Send a form as a person does."""
        answer = self.recorder.callers["browser"].ask_form(path, fields, **(headers or {}))
        told = {"sent": fields, "caller": "browser", "volatile": volatile}
        return self._keep(step, f"POST {path}", answer, **told)

    def submit(self, kind, name, body, **asked):
        """Submit a run that is called `name` from now on."""
        answer = self.recorder.callers["owner"].ask_json("POST", f"/api/{kind}s/", body)
        if answer.status == 202:
            self.recorder.call(name, answer.json()["id"])
            self.recorder.numbers[name] = answer.json()["number"]
        return self._keep(f"submit {name}", f"POST /api/{kind}s/", answer, sent=body, **asked)

    def finished(self, kind, name, when="at its end", volatile=()):
        """Wait for the end of a run, and record its status."""
        self.recorder.finished(kind, name)
        address = f"/api/{kind}s/{self.recorder.ids[name]}/status"
        return self.ask(f"status of {name} {when}", "GET", address, volatile=volatile)

    def note(self, step, value, volatile=()):
        """Record what was found out in another way."""
        if step in self.steps:
            raise AssertionError(f"Two steps are called {step!r}.")
        self.steps[step] = self.recorder.normal.value(value, volatile)

    def _keep(self, step, asked, answer, *, sent=None, caller="owner", volatile=()):
        told = {"asked": asked, "status": answer.status, "headers": in_order(answer.headers)}
        told |= {"sent": sent} if sent is not None else {}
        told |= {"caller": caller} if caller != "owner" else {}
        self.note(step, told)
        body = _body(answer)
        now = self.recorder.normal.value(body, volatile)
        if answer.kind == "text/html":  # names that were ids before are in another order
            now = {name: sorted(found) if isinstance(found, list) else found for name, found in now.items()}
        self.steps[step]["body"] = now
        return body


def in_order(headers):
    """Return headers, those that are sets of words in the order of words: Python's sets have another each time."""
    return {name: ", ".join(sorted(told.split(", "))) if name in SETS else told for name, told in headers.items()}


def _body(answer):
    """Return what of a body is compared: JSON whole, pages in outline, files by their head and first rows."""
    text = answer.data.decode()
    if answer.kind == "application/json":
        return answer.json()
    if answer.kind == "text/csv":
        rows = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK)))
        told = {"head": list(rows.fieldnames or ()), "rows": list(islice(rows, ROWS_OF_FILES))}
        told["has_byte_order_mark"] = text.startswith(BYTE_ORDER_MARK)
        return {**told, "n_lines": len(text.splitlines())}
    return outline(text) if answer.kind == "text/html" else text
