"""Rows of worker processes: signs of life."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from runs.models.run import Run


class Worker(models.Model):
    """A worker process's sign of life, for people and for the watchdog; django-q2's own status lives in a cache."""

    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_ticks = models.BigIntegerField(
        help_text="The kernel's start time of the process: tells a reused pid apart."
    )
    node_pid = models.PositiveIntegerField()
    version = models.CharField(max_length=40)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    memory_bytes = models.BigIntegerField(default=0)
    beat = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("host", "pid", "started_ticks"), name="worker_process_once"),)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"

    @property
    def is_alive(self) -> bool:
        """Whether it gave a sign of life within the lease."""
        return timezone.now() - self.seen_at < timedelta(seconds=settings.ALGOTRADE_LEASE_SECONDS)
