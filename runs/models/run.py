"""A run's row: what was asked, how it stands, what came of it."""

import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, models, transaction
from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils import timezone

from algotrade.errors import MarketDataError, SpecError
from algotrade.spec import OptimizationInputs, OptimizationSpec, family_key
from algotrade.strategies.names import LONGEST_NAME
from runs import artifacts, notify
from runs.models.kind import Kind, Submission, all_kinds, kind_choices, kind_of, kind_of_submission
from runs.models.sqlite_lock import sqlite_write_lock
from runs.models.states import ACTIVE, TERMINAL, TRIALS_PHASE, RunState
from runs.models.transitions import Transitions

if TYPE_CHECKING:
    from runs.models.note import Note
    from runs.models.optimization import Trial

ROW_WITHOUT = ("result", "error_stack_trace")
"""Columns that no list shows: the bulk of a row."""
TRIALS_PER_CHUNK = 200
"""Failed trials that one chunk brings back; whoever claims it takes as many as it likes and frees the rest."""


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

    def with_trials_to_do(self) -> Self:
        """Return the optimizations that a worker could do something for, the one with the fewest workers first.

        There are trials to evaluate, or all are done and nobody has begun to report.
        """
        running = self.filter(state=RunState.RUNNING, phase=TRIALS_PHASE, owner="")
        counted = running.annotate(
            n_busy=Count("chunks", filter=~Q(chunks__owner="")), n_free=Count("chunks", filter=Q(chunks__owner=""))
        )
        may_begin = Q(finish_requested=False) & (Q(n_free__gt=0) | Q(is_partial=False, handed_out__lt=F("total")))
        return counted.filter(may_begin | Q(n_busy=0)).order_by("n_busy", F("total") - F("processed"), "number")

    def for_rows(self) -> Self:
        """Return the runs as a list shows them: with their notes, without what only a run's own page reads."""
        return self.select_related("note").defer(*ROW_WITHOUT)

    def waiting_places(self) -> dict[int, int]:
        """Return how many runs wait before each waiting one, by number: for many runs in one question."""
        waiting = self.filter(state=RunState.PENDING).order_by("queued_at", "number").values_list("pk", flat=True)
        return {number: place for place, number in enumerate(waiting)}

    def identical_completed(self, run_key: str) -> "Run | None":
        """Return the newest completed run of the same key, if there is one."""
        return self.filter(run_key=run_key, state=RunState.COMPLETED).order_by("-number").first()

    def submit(
        self, submission: Submission, user: AbstractBaseUser, *, repeats: "Trial | None" = None
    ) -> "tuple[Run, bool]":
        """Insert a pending run, or find the active one of the same key.

        The partial unique constraint decides races, so the insert comes first and the look-up after a conflict.

        Args:
            submission: what to run.
            user: for whom.
            repeats: the trial of which a backtest is the repetition.

        Returns:
            The run, and whether it was there before (is_dedup).

        Raises:
            SpecError: the candles were deleted meanwhile.
            RuntimeError: the identical run ended between insert and look-up ten times in a row.
        """
        kind = kind_of_submission(submission)
        with ExitStack() as until_inserted:  # who deletes a dataset looks for its runs: before, or after this one
            if pins := kind.pins(submission):
                try:
                    until_inserted.enter_context(artifacts.candle_store().pinned(pins))
                except MarketDataError as error:
                    raise SpecError({"asset": str(error)}) from error
            for _ in range(10):
                try:
                    with sqlite_write_lock(), transaction.atomic():
                        run = self._insert_pending(kind, submission, user, repeats)
                        run.announce()
                    return run, False
                except IntegrityError:
                    active = self.active().filter(run_key=submission.run_key).first()
                    if active is not None:
                        return active, True
        raise RuntimeError(f"An identical run kept starting and ending while {submission.run_key} was submitted.")

    def _insert_pending(
        self, kind: Kind, submission: Submission, user: AbstractBaseUser, repeats: "Trial | None"
    ) -> "Run":
        run = self.create(
            kind=kind.name,
            user_id=user.pk,
            run_key=submission.run_key,
            repeated_run=repeats.run if repeats else None,
            repeated_trial=repeats.number if repeats else None,
            **kind.columns(submission),
        )
        kind.inserted(run, submission)
        return run

    def claim(self, run_id: uuid.UUID, owner: str) -> "Run | None":
        """Pending -> running for the worker `owner`; return the run, or None when it is no longer there to take."""
        now = timezone.now()
        waiting = self.filter(id=run_id, state=RunState.PENDING)
        starts_again = [kind.name for kind in all_kinds() if kind.is_restarted]
        restart = {"processed": 0, "failed": 0} if waiting.filter(kind__in=starts_again).exists() else {}
        claimed = waiting.update(
            **restart,
            state=RunState.RUNNING,
            owner=owner,
            phase="loading_data",
            attempt=F("attempt") + 1,
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


class Run(Transitions):
    """One execution of a spec: a backtest, an optimization, or a download of candles.

    `number` is what people say ("Backtest 1207"), `id` what addresses and programs use. `owner` is a fencing token,
    fresh for each claim: a worker that lost its claim holds an old one, so its writes find no row.
    """

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=kind_choices, default="backtest")
    state = models.CharField(max_length=16, choices=RunState, default=RunState.PENDING)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs")
    run_key = models.CharField(max_length=64)

    strategy_name = models.CharField(max_length=LONGEST_NAME, blank=True, help_text="Empty for a download.")
    asset = models.CharField(max_length=64)
    exchange = models.CharField(max_length=64)
    timeframe = models.CharField(max_length=8)
    spec = models.JSONField()
    inputs = models.JSONField()

    total = models.BigIntegerField(help_text="Bars of a backtest or a download, trials of an optimization.")
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
    repeated_run = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="repetitions",
        help_text="Optimization of which this backtest repeats a trial.",
    )
    repeated_trial = models.BigIntegerField(null=True, blank=True)

    # What only an optimization has:
    handed_out = models.BigIntegerField(default=0, help_text="Trials before this one were given to chunks.")
    reused = models.BigIntegerField(default=0, help_text="Trials whose results an earlier run had already.")
    finish_requested = models.BooleanField(default=False, help_text="No further trial is begun: Finish now.")
    is_partial = models.BooleanField(default=False, help_text="Completed before every trial was evaluated.")
    best_trial = models.BigIntegerField(null=True, blank=True)
    best_value = models.FloatField(null=True, blank=True, help_text="The objective of the best trial.")
    sources = models.JSONField(default=list, blank=True, help_text="Hash of the strategy by Trial.source.")
    artifact = models.CharField(
        max_length=200, blank=True, help_text="Folder of its arrays, below the artifacts folder."
    )

    known_place: int | None = None
    """How many runs wait before this one, where that was asked for many runs at once."""

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
            # All that a list filters and sorts by, so that it need not walk through rows that carry curves and results.
            models.Index(
                fields=(
                    "kind",
                    "state",
                    "strategy_name",
                    "asset",
                    "exchange",
                    "timeframe",
                    "created_at",
                    "attempt_started_at",
                    "finished_at",
                    "total_return",
                    "sharpe_ratio",
                    "best_value",
                ),
                name="run_listing",
            ),
        )

    def __str__(self) -> str:
        """Return what people call the run."""
        return f"{self.get_kind_display()} {self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of the run's page."""
        return reverse(self.kind, args=[self.id])

    @property
    def handle(self) -> str:
        """What addresses call the run where a person may read it: b1207, o482."""
        return f"{kind_of(self).letter}{self.number}"

    @property
    def note_or_none(self) -> "Note | None":
        """What people wrote about the run; None when nobody wrote anything."""
        return getattr(self, "note", None)

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
        rate = kind_of(self).rate(self)
        return float(rate) if rate else None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds until the last bar at the present rate; None while unknown, not running or not at that rate."""
        if self.state != RunState.RUNNING or not self.rate or self.is_off_pace:
            return None
        return (self.total - self.processed) / self.rate

    @property
    def is_off_pace(self) -> bool:
        """Whether the rate so far tells nothing of what remains: it waits for an exchange, or is finishing early."""
        return kind_of(self).is_off_pace(self)

    @property
    def completed_trials(self) -> int:
        """Trials that have a result."""
        return self.processed - self.failed

    @property
    def busy_workers(self) -> int:
        """Workers that evaluate trials now."""
        return self.chunks.exclude(owner="").count() if self.phase == TRIALS_PHASE else 0

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
        if self.known_place is not None:
            return self.known_place
        ahead = Q(queued_at__lt=self.queued_at) | Q(queued_at=self.queued_at, number__lt=self.number)
        return Run.objects.filter(ahead, state=RunState.PENDING).count()

    def can_cancel(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether `user` may cancel this run now."""
        return self.is_active and self.is_manageable_by(user)

    def is_manageable_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether `user` may cancel or delete this run at all."""
        return bool(user.is_active and (getattr(user, "is_staff", False) or self.user_id == user.pk))

    def has_work_left(self) -> bool:
        """Whether a trial of this optimization is being evaluated, or still is to be."""
        if self.finish_requested:
            return self.chunks.exclude(owner="").exists()
        return self.chunks.exists() or (not self.is_partial and self.handed_out < self.total)

    def find_best_trial(self) -> "Trial | None":
        """Return the row of the best trial so far."""
        return None if self.best_trial is None else self.trials.filter(number=self.best_trial).first()

    def remember_families(self, spec: OptimizationSpec, inputs: OptimizationInputs) -> None:
        """Note under which keys later optimizations find the trials that the newest source will evaluate."""
        source = len(self.sources) - 1
        for index in range(len(spec.datasets)):
            self.families.create(dataset=index, source=source, key=family_key(spec, inputs, index))

    def forget_failed_trials(self) -> None:
        """Delete the failed trials, and hand their numbers out again."""
        failed = self.trials.filter(is_failed=True).order_by("number")
        numbers = list(failed.values_list("number", flat=True))
        failed.delete()
        for start in range(0, len(numbers), TRIALS_PER_CHUNK):
            part = numbers[start : start + TRIALS_PER_CHUNK]
            self.chunks.create(first=part[0], count=part[-1] - part[0] + 1)
