"""Reading and importing of an uploaded file: a thread of the web process that follows a limited child.

The child reads the stranger's file; this process never does. The thread only hands on how far the child is, asks
before anything is stored whether somebody cancelled, and ends the child when it takes too much.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from algotrade.child import Child, ChildEnded
from algotrade.errors import AlgotradeError
from runs import artifacts
from runs.datasets.files import remove
from runs.models.upload import Upload

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""Files that one web process has read at once; further ones wait."""
PAGE_WAIT_SECONDS = 1.5
"""How long a page waits for a job: most files are done by then, and no progress needs to be shown."""
API_WAIT_SECONDS = 15.0
"""How long an answer to a program waits: it would only ask again."""
BEAT_SECONDS = 0.3
WALL_SECONDS = 600.0

_places = threading.BoundedSemaphore(AT_ONCE)


class Discarded(AlgotradeError):
    """The file that is worked on, and its row, are no longer there."""


def begin(upload: Upload, owner: str, *, then_import: bool = False, wait_seconds: float = PAGE_WAIT_SECONDS) -> None:
    """Start what the claim `owner` is for, and wait a moment for it to end.

    Args:
        upload: a claimed upload.
        owner: the claim's token.
        then_import: whether a file that turns out good, and replaces nothing, is imported at once.
        wait_seconds: how long to wait for the end.

    Raises:
        Discarded: somebody discarded the file meanwhile.
    """
    try:
        job = Job(upload, owner, then_import=then_import)
        _run(job.carry_out, wait_seconds)
        upload.refresh_from_db()
    except Upload.DoesNotExist:
        raise Discarded(f"{upload} was discarded meanwhile.") from None


def _run(job: Callable[[], None], wait_seconds: float) -> None:
    """Do a job in a thread of its own, which must outlive its child, and wait a moment for it."""

    def alone() -> None:
        try:
            job()
        finally:
            connection.close()

    thread = threading.Thread(target=alone, name="upload", daemon=True)
    thread.start()
    thread.join(wait_seconds)


class Job:
    """One claim of an upload."""

    def __init__(self, upload: Upload, owner: str, *, then_import: bool) -> None:
        self._upload = Upload.objects.get(pk=upload.pk)
        self._owner = owner
        self._then_import = then_import
        self._next_beat = 0.0

    def carry_out(self) -> None:
        """Do it; whatever comes of it is in the row."""
        began = time.monotonic()
        try:
            outcome = self._when_there_is_room()
        except DatabaseError as error:
            outcome = f"database: {error}"
        except OSError as error:
            outcome = f"system: {error}"
            self._refuse(["The server could not read the file now. Try again."])
        log.info(
            "upload ended",
            upload=str(self._upload.pk),
            name=self._upload.name,
            outcome=outcome,
            seconds=round(time.monotonic() - began, 2),
        )

    def _when_there_is_room(self) -> str:
        while not _places.acquire(timeout=BEAT_SECONDS):
            if not self._upload.beat(self._owner, "Waiting", 0, 0):
                return "given up"
        try:
            if self._upload.state == "importing":
                return self._import()
            return self._check()
        finally:
            _places.release()

    def _check(self) -> str:
        answer = self._follow("inspect", self._options(for_check=True))
        if answer is None:
            return "given up"
        if "preview" not in answer:
            refused = answer["refused"]
            self._refuse(refused["errors"], refused["total"], is_unreadable=True)
            remove(self._upload)
            return "refused"
        preview = answer["preview"]
        goes_on = self._then_import and not preview["n_errors"] and preview["replaces"] is None
        if not self._upload.mark_seen(self._owner, preview, is_over=not goes_on):
            return "given up"
        if goes_on and self._upload.go_on_to_import(self._owner):
            return self._import()
        return "checked"

    def _import(self) -> str:
        answer = self._follow("import", self._options(for_check=False))
        if answer is None:
            return "given up"
        if "stored" not in answer:
            refused = answer["refused"]
            self._refuse(refused["errors"], refused["total"])
            if self._upload.preview is None:  # sent to be imported at once: there is no page to mend it on
                remove(self._upload)
            return "refused"
        self._upload.mark_imported(self._owner, answer["stored"])
        remove(self._upload)
        return "imported"

    def _options(self, *, for_check: bool) -> dict[str, Any]:
        options = self._upload.options
        return {name: value for name, value in options.items() if value not in ("", None)} if for_check else options

    def _refuse(self, errors: list[str], total: int = 1, *, is_unreadable: bool = False) -> None:
        self._upload.mark_refused(self._owner, errors, total, is_unreadable=is_unreadable)

    def _follow(self, job: str, options: dict[str, Any]) -> dict[str, Any] | None:
        """Have a child do a job; return its answer, or None when the claim was lost meanwhile."""
        child = Child(
            module="algotrade.market.importing.reading",
            memory_bytes=settings.READER_MEMORY_BYTES,
            cpu_seconds=settings.READER_CPU_SECONDS,
        )
        try:
            child.send(
                {
                    "job": job,
                    "path": str(self._upload.path),
                    "root": str(artifacts.candles_folder()),
                    "options": options,
                }
            )
            return self._listen(child)
        except ChildEnded as error:
            log.warning("reader ended", upload=str(self._upload.pk), signal=error.signal_name, log=error.log[-2_000:])
            words = f"Reading the file took more memory or time than it may ({error.signal_name})."
            return {"refused": {"errors": [words], "total": 1}}
        finally:
            child.close()

    def _listen(self, child: Child) -> dict[str, Any] | None:
        deadline = time.monotonic() + WALL_SECONDS
        far: tuple[str, int, int] = ("", 0, 0)
        while True:
            message = child.receive(BEAT_SECONDS) or {}
            if "preview" in message or "stored" in message or "refused" in message:
                return message
            if "ask" in message:
                may_store = self._upload.mark_storing(self._owner)
                child.send({"store": may_store})
                if not may_store:
                    return None
                far = (self._upload.phase, 0, 0)
            elif "phase" in message:
                far = (str(message["phase"])[:32], int(message["done"]), int(message["total"]))
            now = time.monotonic()
            if now >= self._next_beat:
                self._next_beat = now + BEAT_SECONDS
                if not self._upload.beat(self._owner, *far):
                    return None
            if now > deadline:
                return {"refused": {"errors": [f"Reading the file took longer than {WALL_SECONDS:.0f} s."], "total": 1}}
