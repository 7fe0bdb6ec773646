"""Files that wait to be imported: where they lie, and for how long."""

import re
import shutil
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from algotrade.errors import AlgotradeError
from runs import artifacts, throttle
from runs.models.upload import Upload, UploadState
from runs.owners import is_known_dead, new_owner

log = structlog.get_logger(__name__)

MOST_WAITING = 20
"""Files that one user may have waiting."""
UPLOADS_PER_MINUTE = 30
ROOM_LEFT_BYTES = 256 << 20
"""Space that a file leaves on the disk: the database needs some."""
KEPT = timedelta(days=1)
LOST_SECONDS = 60.0
"""Silence after which a process that works on a file is taken for dead; it writes several times a second."""
LEFT_OVER_SECONDS = 3_600.0


class UploadRefused(AlgotradeError):
    """A file is not received.

    Attributes:
        status: of the answer.
        headers: further ones of the answer.
    """

    def __init__(self, message: str, status: int = 400, retry_after: int = 0) -> None:
        """Keep the status, and after how many seconds another try makes sense; 0: nobody knows."""
        self.status = status
        self.headers = {"Retry-After": str(retry_after)} if retry_after else {}
        super().__init__(message)


class TooLate(AlgotradeError):
    """A file is not discarded any more: its candles are being stored."""


def receive(user: User, file: "UploadedFile[Any] | None", options: dict[str, object]) -> tuple[Upload, str]:
    """Keep a file that `user` sent.

    Args:
        user: who sent it.
        file: the file; None when the form had none.
        options: what is said of it.

    Returns:
        Its row, claimed for the first check, and the claim's token.

    Raises:
        UploadRefused: there is none, it is too large, or there are too many.
    """
    if file is None or file.size is None:
        raise UploadRefused("Choose a file.")
    if file.size > settings.MAX_UPLOAD_BYTES:
        raise UploadRefused(
            f"The file has {file.size:,} bytes; at most {settings.MAX_UPLOAD_BYTES:,} are accepted.", status=413
        )
    wait = throttle.take("upload", user.pk, UPLOADS_PER_MINUTE)
    if wait:
        message = f"Too many files: at most {UPLOADS_PER_MINUTE} a minute. Try again in {wait} s."
        raise UploadRefused(message, 429, retry_after=wait)
    if Upload.objects.waiting().filter(user=user).count() >= MOST_WAITING:
        raise UploadRefused(f"{MOST_WAITING} of your files wait to be imported. Import or discard some first.", 409)
    parent = artifacts.uploads_folder()
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(parent).free < file.size + ROOM_LEFT_BYTES:
        raise UploadRefused("The server's disk is nearly full.", status=507)
    upload = Upload(id=uuid.uuid4(), user=user, name=safe_name(file.name or ""), size_bytes=file.size, options=options)
    upload.owner = new_owner()
    folder = parent / str(upload.id)
    folder.mkdir(mode=0o700)
    try:
        with (folder / upload.name).open("xb") as kept:
            for chunk in file.chunks():
                kept.write(chunk)
        upload.save(force_insert=True)
    except BaseException:
        artifacts.discard(folder)
        raise
    log.info("file received", upload=str(upload.id), name=upload.name, size_bytes=upload.size_bytes)
    return upload, upload.owner


def safe_name(name: str) -> str:
    """Return a file's name without anything that a path or a terminal could mind."""
    plain = re.sub(r"[^A-Za-z0-9._ -]+", "_", name.rpartition("/")[2].rpartition("\\")[2]).strip(" .")
    return plain[-100:].lstrip(" .-") or "candles"


def remove(upload: Upload) -> None:
    """Remove an upload's file; its row stays."""
    artifacts.discard(upload.path.parent)


def discard(upload: Upload) -> bool:
    """Remove an upload and its file; a process that works on it finds no row any more, and stores nothing.

    Returns:
        Whether nothing of it was stored; False when it had been imported: its candles stay.

    Raises:
        TooLate: its candles are being stored.
    """
    row = Upload.objects.filter(pk=upload.pk)
    was_imported = False
    if not row.before_storing().delete()[0]:
        was_imported = row.filter(state=UploadState.IMPORTED).delete()[0] > 0
        if not was_imported and row.exists():
            raise TooLate(f"It was too late to discard {upload}: its candles are being stored.")
    remove(upload)
    return not was_imported


def rescue() -> None:
    """Give up the claims of processes that are gone."""
    silent = timezone.now() - timedelta(seconds=LOST_SECONDS)
    for upload in Upload.objects.active():
        if (is_known_dead(upload.owner) or upload.updated_at < silent) and upload.mark_interrupted(upload.owner):
            log.warning("import interrupted", upload=str(upload.id), name=upload.name)


def tidy() -> None:
    """Remove what nobody asked for within a day, and files without a row."""
    for upload in Upload.objects.filter(updated_at__lt=timezone.now() - KEPT):
        with suppress(TooLate):  # its process is lost, which `rescue` finds out
            discard(upload)
    folder = artifacts.uploads_folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        if time.time() - path.stat().st_mtime > LEFT_OVER_SECONDS and not _has_row(path):
            artifacts.discard(path)


def _has_row(path: Path) -> bool:
    try:
        return Upload.objects.filter(pk=uuid.UUID(path.name)).exists()
    except ValueError:
        return False
