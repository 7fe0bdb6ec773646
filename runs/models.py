"""The rows that are the truth: runs, their states, and the one place where a state may change.

    pending -> running -> completed | failed | cancelled
    pending -> cancelled
    running -> pending          (its worker was lost, or its node is draining)

Every arrow is one method `mark_<state>`: a single UPDATE guarded by the state (and the owner, where a worker does it)
that it starts from. One changed row means that you won; zero means that somebody else was quicker, and nothing was
written. Each visible change raises `rev` by one and rings the bell on commit; readers drop a `rev` that is not newer.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils import timezone

from algotrade.errors import AlgotradeError
from algotrade.ports import Json
from algotrade.resolve import Resolved
from runs import notify, queue
from runs.access_models import ApiToken, LoginLink  # noqa: F401 - Django looks for an app's models in this module


class IllegalTransition(AlgotradeError):
    """A run is not in a state from which the wanted one can be reached; the message names both."""


class RunState(models.TextChoices):
    """Where a run is in its life."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class RunKind(models.TextChoices):
    """What a run executes."""

    BACKTEST = "backtest", "Backtest"
    OPTIMIZATION = "optimization", "Optimization"


ACTIVE = (RunState.PENDING, RunState.RUNNING)
TERMINAL = (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED)


class RunQuerySet(models.QuerySet["Run"]):
    """Questions about runs, and the transitions that begin without one in hand."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the runs that `user` may see: a team sees all of its runs, a stranger none."""
        return self.all() if user.is_authenticated and user.is_active else self.none()

    def manageable_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the runs that `user` may cancel or delete: their own, or all for staff."""
        if getattr(user, "is_staff", False) and user.is_active:
            return self.all()
        return self.visible_to(user).filter(user_id=user.pk)

    def active(self) -> Self:
        """Return the runs that are pending or running."""
        return self.filter(state__in=ACTIVE)

    def identical_completed(self, run_key: str) -> "Run | None":
        """Return the newest completed run of the same key, if there is one."""
        return self.filter(run_key=run_key, state=RunState.COMPLETED).order_by("-number").first()

    def submit(self, resolved: Resolved, user: AbstractBaseUser) -> "tuple[Run, bool]":
        """Insert a pending run, or find the active one of the same key.

        The partial unique constraint decides races, so the insert comes first and the look-up after a conflict.

        Returns:
            The run, and whether it was there before (is_dedup).

        Raises:
            RuntimeError: the identical run ended between insert and look-up ten times in a row.
        """
        for _ in range(10):
            try:
                with transaction.atomic():
                    run = self._insert(resolved, user)
                    transaction.on_commit(run.announce, robust=True)
                return run, False
            except IntegrityError:
                active = self.active().filter(run_key=resolved.run_key).first()
                if active is not None:
                    return active, True
        raise RuntimeError(f"An identical run kept starting and ending while {resolved.run_key} was submitted.")

    def _insert(self, resolved: Resolved, user: AbstractBaseUser) -> "Run":
        spec = resolved.spec
        return self.create(
            kind=RunKind.BACKTEST,
            user_id=user.pk,
            run_key=resolved.run_key,
            strategy_name=spec.strategy_name,
            asset=spec.asset,
            exchange=spec.exchange,
            timeframe=spec.timeframe,
            spec=spec.to_dict(),
            inputs=resolved.inputs.to_dict(),
            total=resolved.total_bars,
        )

    def claim(self, run_id: uuid.UUID, owner: str) -> "Run | None":
        """Pending -> running for the worker `owner`; return the run, or None when it is no longer there to take."""
        now = timezone.now()
        claimed = self.filter(id=run_id, state=RunState.PENDING).update(
            state=RunState.RUNNING,
            owner=owner,
            phase="loading_data",
            attempt=F("attempt") + 1,
            processed=0,
            failed=0,
            live={},
            notice="",
            beat=F("beat") + 1,
            rev=F("rev") + 1,
            started_at=models.functions.Coalesce("started_at", now),
            attempt_started_at=now,
            updated_at=now,
        )
        if not claimed:
            return None
        notify.ring()
        return self.get(id=run_id)


class Run(models.Model):
    """One execution of a spec: a backtest or an optimization.

    `number` is what people say ("Backtest 1207"), `id` what addresses and programs use. `owner` is a fencing token,
    fresh for each claim: a worker that lost its claim holds an old one, so its writes find no row.
    """

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=RunKind, default=RunKind.BACKTEST)
    state = models.CharField(max_length=16, choices=RunState, default=RunState.PENDING)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs")
    run_key = models.CharField(max_length=64)

    strategy_name = models.CharField(max_length=100)
    asset = models.CharField(max_length=64)
    exchange = models.CharField(max_length=64)
    timeframe = models.CharField(max_length=8)
    spec = models.JSONField()
    inputs = models.JSONField()

    total = models.BigIntegerField(help_text="Bars of a backtest, trials of an optimization.")
    processed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0, help_text="Failed trials of an optimization.")
    phase = models.CharField(max_length=32, default="queued")
    rev = models.BigIntegerField(default=1)
    live = models.JSONField(
        default=dict, blank=True, help_text="What the live page draws: curve, rate, equity (<= 16 kB)."
    )
    notice = models.CharField(max_length=300, blank=True)

    attempt = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0, help_text="Claims lost to a dead worker or child.")
    owner = models.CharField(max_length=128, blank=True)
    beat = models.BigIntegerField(default=0, help_text="Counts the owner's signs of life.")

    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now, help_text="Since when it waits for a worker.")
    started_at = models.DateTimeField(null=True, blank=True)
    attempt_started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    error_type = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(null=True, blank=True)  # noqa: DJ001 - the contract says null unless failed
    error_stack_trace = models.TextField(null=True, blank=True)  # noqa: DJ001 - as above
    error_detail = models.JSONField(null=True, blank=True, help_text="Bar, time, parameters, position, frames.")

    result = models.JSONField(null=True, blank=True, help_text="Metrics, reasons of undefined ones, findings.")
    total_return = models.FloatField(null=True, blank=True)
    sharpe_ratio = models.FloatField(null=True, blank=True)
    max_drawdown = models.FloatField(null=True, blank=True)
    n_trades = models.PositiveIntegerField(null=True, blank=True)
    artifact = models.CharField(
        max_length=200, blank=True, help_text="Folder of its arrays, below the artifacts folder."
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(fields=("run_key",), condition=Q(state__in=ACTIVE), name="one_active_run_per_key"),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(
                condition=Q(processed__gte=0, processed__lte=F("total")), name="run_processed_in_total"
            ),
        )
        indexes = (
            models.Index(fields=("state", "queued_at"), name="run_state_queued"),
            models.Index(fields=("updated_at",), name="run_updated"),
            models.Index(fields=("run_key", "state"), name="run_key_state"),
        )

    def __str__(self) -> str:
        """Return what people call the run."""
        return f"{self.get_kind_display()} {self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of the run's page."""
        return reverse(self.kind, args=[self.id])

    @property
    def is_active(self) -> bool:
        """Whether the run waits or runs."""
        return self.state in ACTIVE

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended for good."""
        return self.state in TERMINAL

    @property
    def is_resuming(self) -> bool:
        """Whether the run was begun before and waits for its next attempt."""
        return self.state == RunState.PENDING and self.attempt > 0

    @property
    def fraction(self) -> float:
        """How much is done, 0 to 1."""
        return self.processed / self.total if self.total else 0.0

    @property
    def rate(self) -> float | None:
        """Bars (or trials) per second in this attempt; None before it is known."""
        rate = self.live.get("rate")
        return float(rate) if rate else None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds until the last bar at the present rate; None while unknown or not running."""
        if self.state != RunState.RUNNING or not self.rate:
            return None
        return (self.total - self.processed) / self.rate

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds since this attempt began, or how long it took; never negative, whatever the clock did."""
        if self.attempt_started_at is None:
            return None
        return max(0.0, ((self.finished_at or timezone.now()) - self.attempt_started_at).total_seconds())

    def queue_position(self) -> int | None:
        """Return how many runs wait before this one; None when it does not wait."""
        if self.state != RunState.PENDING:
            return None
        ahead = Q(queued_at__lt=self.queued_at) | Q(queued_at=self.queued_at, number__lt=self.number)
        return Run.objects.filter(ahead, state=RunState.PENDING).count()

    def can_cancel(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether `user` may cancel this run now."""
        return self.is_active and self.is_manageable_by(user)

    def is_manageable_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether `user` may cancel or delete this run at all."""
        return bool(user.is_active and (getattr(user, "is_staff", False) or self.user_id == user.pk))

    def announce(self) -> None:
        """Send a ticket to the workers and wake the pages. Losing either costs latency only: rows are the truth."""
        queue.enqueue(self.id)
        notify.ring()

    def mark_cancelled(self) -> bool:
        """Pending or running -> cancelled. The worker is fenced at once: the owner goes with the state."""
        return self._move(ACTIVE, RunState.CANCELLED, owner_now="", finished_at=timezone.now())

    def mark_pending(self, owner: str, *, crashed: bool, notice: str) -> bool:
        """Running -> pending: its worker was lost (`crashed`, which counts), or its node drains (which does not)."""
        return self._move(
            (RunState.RUNNING,),
            RunState.PENDING,
            owner=owner,
            owner_now="",
            phase="queued",
            queued_at=timezone.now(),
            crashes=F("crashes") + int(crashed),
            notice=notice,
        )

    def mark_lost(self, owner: str, reason: str, printed: str = "") -> bool:
        """Running -> pending because its worker or child is gone; at the last attempt running -> failed.

        Args:
            owner: the token of the claim that was lost.
            reason: what ended it, a sentence ("The strategy's process was ended by SIGSEGV.").
            printed: what the child printed, shown with the error.
        """
        if self.crashes + 1 < settings.MAX_ATTEMPTS:
            notice = (
                f"The worker stopped responding at {timezone.now():%H:%M:%S}. "
                f"Resuming on another worker (attempt {self.crashes + 2} of {settings.MAX_ATTEMPTS})."
            )
            return self.mark_pending(owner, crashed=True, notice=notice)
        return self.mark_failed(
            owner,
            {
                "type": "WorkerLost",
                "message": f"The worker stopped responding {settings.MAX_ATTEMPTS} times. {reason}",
                "trace": printed.strip() or reason,
                "detail": {"parameters": self.spec["parameters"], "log": printed},
                "crashed": True,
            },
        )

    def mark_completed(self, owner: str, result: Json, artifact: str, live: Json | None = None) -> bool:
        """Running -> completed.

        Args:
            owner: the token of the claim.
            result: metrics, reasons and findings.
            artifact: the folder of the arrays, which must be in place already.
            live: the whole curve, which a run quicker than a beat has not told yet; None keeps the row's.
        """
        metrics: Mapping[str, Any] = result["metrics"]
        return self._move(
            (RunState.RUNNING,),
            RunState.COMPLETED,
            owner=owner,
            owner_now="",
            processed=F("total"),
            phase="computing_metrics",  # the last one; a quick run's beats may have told none
            finished_at=timezone.now(),
            result=result,
            artifact=artifact,
            live=live or F("live"),
            total_return=metrics.get("total_return"),
            sharpe_ratio=metrics.get("sharpe_ratio"),
            max_drawdown=metrics.get("max_drawdown"),
            n_trades=metrics.get("trades"),
        )

    def mark_failed(self, owner: str, error: Json) -> bool:
        """Running -> failed. `error` has type, message, trace, and detail (a JSON object)."""
        return self._move(
            (RunState.RUNNING,),
            RunState.FAILED,
            owner=owner,
            owner_now="",
            finished_at=timezone.now(),
            crashes=F("crashes") + int(error.get("crashed", False)),
            error_type=error["type"][:200],  # a class may have any name; PostgreSQL refuses a longer one
            error_message=error["message"],
            error_stack_trace=error["trace"],
            error_detail=error["detail"],
        )

    def write_progress(self, owner: str, *, processed: int, phase: str, live: Json) -> bool:
        """Store how far the run is; False when `owner` has lost it, and then nothing was written.

        A count never goes backwards within an attempt, whatever order writes arrive in.
        """
        changed = Run.objects.filter(pk=self.pk, state=RunState.RUNNING, owner=owner).update(
            processed=Greatest(F("processed"), processed),
            phase=phase,
            live=live,
            beat=F("beat") + 1,
            rev=F("rev") + 1,
            updated_at=timezone.now(),
        )
        if changed:
            notify.ring()
        return bool(changed)

    def write_beat(self, owner: str) -> bool:
        """Tell that the owner lives, without a visible change; False when `owner` has lost the run."""
        return bool(Run.objects.filter(pk=self.pk, state=RunState.RUNNING, owner=owner).update(beat=F("beat") + 1))

    def is_owned_by(self, owner: str) -> bool:
        """Ask the database whether `owner` still holds the run."""
        return Run.objects.filter(pk=self.pk, state=RunState.RUNNING, owner=owner).exists()

    def _move(
        self,
        from_states: tuple[RunState, ...],
        to: RunState,
        *,
        owner: str | None = None,
        owner_now: str,
        **changes: Any,
    ) -> bool:
        """Make one guarded UPDATE; on success this object is read again and the bell rings after the commit."""
        rows = Run.objects.filter(pk=self.pk, state__in=from_states)
        if owner is not None:
            rows = rows.filter(owner=owner)
        with transaction.atomic():
            moved = rows.update(state=to, owner=owner_now, rev=F("rev") + 1, updated_at=timezone.now(), **changes)
            if moved:
                transaction.on_commit(self.announce if to == RunState.PENDING else notify.ring, robust=True)
        if moved:
            self.refresh_from_db()
        return bool(moved)


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
        """Return host and process id."""
        return f"{self.host}:{self.pid}"

    @property
    def is_alive(self) -> bool:
        """Whether it gave a sign of life within the lease."""
        return timezone.now() - self.seen_at < timedelta(seconds=settings.ALGOTRADE_LEASE_SECONDS)
