"""A file of candles on its way in: received, looked through, waiting for a person's word, imported."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from algotrade.market.importing.preview import Preview
from runs import artifacts
from runs.owners import new_owner

STORING = "Storing"
"""The phase from which on an import is no longer cancelled: what is stored is stored whole."""


class UploadState(models.TextChoices):
    """Where an upload stands.

    checking -> checked -> importing -> imported; checked -> checking when a person corrects something, and importing ->
    checked when the file was refused, the import was cancelled, or its process died.
    """

    CHECKING = "checking", "Checking"
    CHECKED = "checked", "Checked"
    IMPORTING = "importing", "Importing"
    IMPORTED = "imported", "Imported"


ACTIVE = (UploadState.CHECKING, UploadState.IMPORTING)


class UploadQuerySet(models.QuerySet["Upload"]):
    """Questions about uploads."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the uploads that `user` may see: their own, or all for staff."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.all() if getattr(user, "is_staff", False) else self.filter(user_id=user.pk)

    def waiting(self) -> Self:
        """Return the uploads that are not imported yet."""
        return self.exclude(state=UploadState.IMPORTED)

    def active(self) -> Self:
        """Return the uploads that a process works on."""
        return self.filter(state__in=ACTIVE)

    def before_storing(self) -> Self:
        """Return the uploads of which nothing is stored yet, or being stored."""
        return self.waiting().exclude(state=UploadState.IMPORTING, phase=STORING)


class Upload(models.Model):
    """One file that somebody sent.

    `owner` is a fencing token as in runs: a process that lost its claim (cancelled, taken for dead) holds an old one,
    so its writes find no row, and it stores nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=120)
    size_bytes = models.BigIntegerField()
    state = models.CharField(max_length=16, choices=UploadState, default=UploadState.CHECKING)
    options = models.JSONField(default=dict, blank=True, help_text="What a person says of the file.")
    preview = models.JSONField(null=True, blank=True, help_text="What the file holds.")
    errors = models.JSONField(default=list, blank=True, help_text="Why it cannot be taken, or was not.")
    n_errors = models.BigIntegerField(default=0)
    stored = models.JSONField(null=True, blank=True, help_text="What came of the import.")
    phase = models.CharField(max_length=32, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    rev = models.BigIntegerField(default=1)
    owner = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the upload's page."""
        return reverse("upload", args=[self.id])

    @property
    def path(self) -> Any:
        return artifacts.uploads_folder() / str(self.id) / self.name

    @property
    def is_active(self) -> bool:
        """Whether a process works on it."""
        return self.state in ACTIVE

    @property
    def is_storing(self) -> bool:
        """Whether it is too late to cancel."""
        return self.state == UploadState.IMPORTING and self.phase == STORING

    @property
    def seen(self) -> Preview | None:
        """What the file holds, as far as it was looked through."""
        return Preview.from_dict(self.preview) if self.preview else None

    @property
    def is_importable(self) -> bool:
        """Whether the last check found nothing wrong and everything is said."""
        return self.state == UploadState.CHECKED and self.preview is not None and not self.n_errors

    def mark_checking(self, options: dict[str, Any]) -> str:
        """Checked -> checking with other options; return the claim's token, empty when somebody else was quicker."""
        changes = {"options": options, "errors": [], "n_errors": 0}
        return self._claim(UploadState.CHECKED, UploadState.CHECKING, **changes)

    def mark_importing(self, options: dict[str, Any]) -> str:
        """Checked -> importing; return the claim's token, empty when somebody else was quicker."""
        changes = {"options": options, "errors": [], "n_errors": 0}
        return self._claim(UploadState.CHECKED, UploadState.IMPORTING, **changes)

    def go_on_to_import(self, owner: str) -> bool:
        """Checked by `owner` just now -> importing under the same claim: what was wanted from the beginning."""
        return self._write(owner, state=UploadState.IMPORTING, phase="", done=0, total=0)

    def beat(self, owner: str, phase: str, done: int, total: int) -> bool:
        """Write how far the claim is; False when it is no longer its owner's."""
        return self._write(owner, phase=phase, done=done, total=total)

    def mark_storing(self, owner: str) -> bool:
        """Pass the point from which on an import is not cancelled; False when it was cancelled before."""
        return self._write(owner, phase=STORING, done=0, total=0)

    def mark_seen(self, owner: str, preview: dict[str, Any], *, is_over: bool) -> bool:
        """Checking -> checked with what was found; `is_over` gives the claim back."""
        changes = {"preview": preview, "errors": preview["errors"], "n_errors": preview["n_errors"]}
        return self._write(owner, **changes, **({"state": UploadState.CHECKED, "owner": ""} if is_over else {}))

    def mark_refused(self, owner: str, errors: list[str], total: int, *, is_unreadable: bool = False) -> bool:
        """Checking or importing -> checked with what is wrong; of an unreadable file nothing can be shown."""
        changes = {"preview": None} if is_unreadable else {}
        return self._write(owner, state=UploadState.CHECKED, owner="", errors=errors, n_errors=total, **changes)

    def mark_imported(self, owner: str, stored: dict[str, Any]) -> bool:
        """Importing -> imported."""
        return self._write(owner, state=UploadState.IMPORTED, owner="", stored=stored)

    def mark_superseded(self) -> bool:
        """Checking -> checked, because somebody has corrected what is being checked; nothing is told of it."""
        return self._give_up(Upload.objects.filter(pk=self.pk, state=UploadState.CHECKING), "")

    def mark_cancelled(self) -> bool:
        """Checking or importing -> checked, unless it is being stored already."""
        active = Upload.objects.active().before_storing().filter(pk=self.pk)
        return self._give_up(active, "It was cancelled; nothing was stored.")

    def mark_interrupted(self, owner: str) -> bool:
        """Checking or importing -> checked, because the process of `owner` is gone."""
        active = Upload.objects.active().filter(pk=self.pk, owner=owner)
        return self._give_up(active, "It was interrupted. Try again: bars are not stored twice.")

    def _give_up(self, active: UploadQuerySet, reason: str) -> bool:
        changed = active.update(
            state=UploadState.CHECKED,
            owner="",
            errors=[reason] if reason else [],
            n_errors=int(bool(reason)),
            rev=F("rev") + 1,
            updated_at=timezone.now(),
        )
        return self._refresh(changed)

    def _claim(self, before: UploadState, after: UploadState, **changes: Any) -> str:
        owner = new_owner()
        claimed = Upload.objects.filter(Q(owner=""), pk=self.pk, state=before).update(
            state=after,
            owner=owner,
            phase="",
            done=0,
            total=0,
            rev=F("rev") + 1,
            updated_at=timezone.now(),
            **changes,
        )
        return owner if self._refresh(claimed) else ""

    def _write(self, owner_now: str, **changes: Any) -> bool:
        claimed = Upload.objects.active().filter(pk=self.pk, owner=owner_now)
        return self._refresh(claimed.update(rev=F("rev") + 1, updated_at=timezone.now(), **changes))

    def _refresh(self, n_changed: int) -> bool:
        if not n_changed:
            return False
        try:
            self.refresh_from_db()
        except Upload.DoesNotExist:  # discarded since
            return False
        return True
