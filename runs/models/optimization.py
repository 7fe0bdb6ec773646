"""The rows of an optimization: its trials, the chunks in which workers take them, and where known trials are found.

A chunk is a range of trial numbers; those that have no row yet are what is left to do in it. Chunks are cut from the
front of what was not handed out yet, so there are only as many rows as workers, and deleted when they are done. A chunk
that a dead worker left is free again and is taken first. Whoever changes chunks or trials locks the run's row first, by
an UPDATE that also tells whether trials may still be evaluated.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, Expression, F, Q, When
from django.db.models.functions import Least
from django.utils import timezone

from runs import notify
from runs.models.bulk_insert import insert
from runs.models.run import Run
from runs.models.states import TRIALS_PHASE, RunState

HEADLINES = (
    "total_return", "cagr", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown", "profit_factor",
    "win_rate", "expectancy", "trades",
)  # fmt: skip
"""Metrics of a trial that have a column of their own; the others are in its vector."""
SURE_CRASHES = 2
"""A chunk with so many gives its first trial alone, which is suspected of having ended its process."""


class Trial(models.Model):
    """One parameter set of an optimization, and how it came out. Written once, together with the run's counts."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="trials")
    number = models.BigIntegerField(help_text="From 0, in the order in which they are asked for.")
    combination = models.BigIntegerField(help_text="Which combination of the axes' values it is.")
    rev = models.BigIntegerField(help_text="The run's revision that brought it; newer ones have a larger one.")
    source = models.PositiveSmallIntegerField(default=0, help_text="Which of the run's sources evaluated it.")
    is_failed = models.BooleanField(default=False)
    is_reused = models.BooleanField(default=False, help_text="An earlier run had its result already.")
    is_eligible = models.BooleanField(default=False, help_text="It keeps the filters and has an objective.")
    objective = models.FloatField(null=True, blank=True)
    duration_ms = models.FloatField(default=0.0)

    total_return = models.FloatField(null=True, blank=True)
    cagr = models.FloatField(null=True, blank=True)
    sharpe_ratio = models.FloatField(null=True, blank=True)
    sortino_ratio = models.FloatField(null=True, blank=True)
    calmar_ratio = models.FloatField(null=True, blank=True)
    max_drawdown = models.FloatField(null=True, blank=True)
    profit_factor = models.FloatField(null=True, blank=True)
    win_rate = models.FloatField(null=True, blank=True)
    expectancy = models.FloatField(null=True, blank=True)
    trades = models.FloatField(null=True, blank=True)
    metrics = models.BinaryField(null=True, help_text="float64 of every metric, in the order of METRIC_KEYS.")

    error_type = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(blank=True)
    error_place = models.CharField(max_length=200, blank=True, help_text="File and line of the strategy.")
    error_stack_trace = models.TextField(blank=True)
    error_detail = models.JSONField(null=True, blank=True, help_text="Bar, time, position, frames.")

    class Meta:
        ordering = ("run", "number")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="one_trial_per_number"),)
        indexes = (
            models.Index(fields=("run", "rev"), name="trial_run_rev"),
            models.Index(fields=("run", "error_type", "error_place"), condition=Q(is_failed=True), name="trial_failed"),
        )

    def __str__(self) -> str:
        """Return what people call the trial."""
        return f"Trial {self.number + 1:,}"


class TrialFamily(models.Model):
    """Under which key later optimizations find the trials that this one evaluated on one of its datasets.

    The key is a hash of all that determines a trial but its parameters.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="families")
    dataset = models.PositiveSmallIntegerField(help_text="Index in the spec's datasets.")
    source = models.PositiveSmallIntegerField(help_text="Trial.source.")
    key = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("run", "dataset", "source"), name="one_family_per_dataset"),)

    def __str__(self) -> str:
        return self.key


class ChunkQuerySet(models.QuerySet["Chunk"]):
    """Taking chunks."""

    def claim(self, run: Run, owner: str, size: int) -> "tuple[Chunk, list[int]] | None":
        """Take trials of `run` for the worker `owner`.

        Returns:
            A chunk and the numbers of its trials that are to be evaluated, at most `size`; None when there are none to
            take now.
        """
        with transaction.atomic():
            if not _lock(run, finish_requested=False):
                return None
            chunk = self.filter(run=run, owner="").order_by("first").first()
            while chunk is None or not (missing := _missing(run, chunk)):
                if chunk is not None:
                    chunk.delete()
                chunk = self._cut(run, size)
                if chunk is None:
                    return None
            taken = missing[: 1 if chunk.crashes >= SURE_CRASHES else size]
            if len(taken) < len(missing):
                end, chunk.count = chunk.first + chunk.count, taken[-1] + 1 - chunk.first
                self.create(run=run, first=taken[-1] + 1, count=end - taken[-1] - 1, crashes=0)
            chunk.owner, chunk.is_begun = owner, False
            seen = Run.objects.values_list("processed", "crashes").get(pk=run.pk)
            chunk.processed_before, chunk.crashes_before = seen
            chunk.save()
        return chunk, taken

    def _cut(self, run: Run, size: int) -> "Chunk | None":
        """Cut a chunk from what was not handed out yet."""
        handed_out, total, is_partial = Run.objects.values_list("handed_out", "total", "is_partial").get(pk=run.pk)
        count = min(size, total - handed_out)
        if count <= 0 or is_partial:
            return None
        Run.objects.filter(pk=run.pk).update(handed_out=handed_out + count)
        return self.create(run=run, first=handed_out, count=count)


class Chunk(models.Model):
    """A range of trials that a worker evaluates, or that waits for one after its worker was lost."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="chunks")
    first = models.BigIntegerField(help_text="Number of its first trial.")
    count = models.BigIntegerField()
    owner = models.CharField(max_length=128, blank=True)
    beat = models.BigIntegerField(default=0, help_text="Counts the owner's signs of life.")
    crashes = models.PositiveIntegerField(
        default=0, help_text="1 since it was lost, and 1 for each loss seen at its first trial."
    )
    is_begun = models.BooleanField(default=False, help_text="Its owner was seen to begin a trial.")
    processed_before = models.BigIntegerField(
        default=0, help_text="Trials of the run that were stored when it was taken."
    )
    crashes_before = models.PositiveIntegerField(default=0, help_text="The run's crashes when it was taken.")
    reason = models.CharField(max_length=300, blank=True, help_text="What ended the last claim that was lost.")

    objects = ChunkQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("run", "owner"), name="chunk_run_owner"),)

    def __str__(self) -> str:
        """Return the run and the range."""
        return f"{self.run_id}: {self.first} to {self.first + self.count - 1}"

    def is_owned_by(self, owner: str) -> bool:
        """Ask the database whether `owner` still holds the chunk, and may go on with it."""
        return self._mine(owner).filter(run__finish_requested=False).exists()

    def write_beat(self, owner: str) -> bool:
        """Tell that the owner lives; False when `owner` has lost the chunk."""
        return bool(self._mine(owner).update(beat=F("beat") + 1))

    def commit(self, owner: str, trials: Sequence[Trial], done_until: int) -> bool:
        """Store trials, with the run's counts and its best one, and shrink the chunk to what is left.

        Args:
            owner: the token of the claim.
            trials: rows without `rev`, which is set here.
            done_until: number of the first trial that is not done yet; one beyond the chunk's last ends the chunk.

        Returns:
            Whether it was written: False when `owner` has lost the chunk, or the run does not run any more.
        """
        end = self.first + self.count
        with transaction.atomic():
            if not _count(self.run, trials):
                return False
            mine = Chunk.objects.filter(pk=self.pk, owner=owner)
            if done_until >= end:
                changed = mine.delete()[0]
            else:
                left = {
                    "first": done_until,
                    "count": end - done_until,
                    "crashes": Least(F("crashes"), 1),
                    "is_begun": True,
                }
                changed = mine.update(beat=F("beat") + 1, **(left if trials else {}))
            if not changed:
                transaction.set_rollback(True)
                return False
            store_trials(self.run, trials)
            transaction.on_commit(notify.ring, robust=True)
        self.first, self.count = done_until, end - done_until
        return True

    def release(self, owner: str, reason: str = "", *, is_begun: bool | None = None) -> bool:
        """Give the chunk free: its worker or child was lost for `reason`, or does something else.

        A loss puts the chunk under suspicion, unless no trial had begun: a process that was killed while it started
        says nothing about the trial that waited for it. Such losses are counted by `Run.mark_start_lost`.

        Args:
            owner: the token of the claim.
            reason: what ended it, a sentence; empty when nothing was lost.
            is_begun: whether a trial had begun. None when only the row can tell: a first loss counts then, because rows
                hear late of quick trials.
        """
        crashes: Expression = F("crashes") + int(bool(reason and is_begun))
        if reason and is_begun is None:
            suspected = When(Q(crashes=0) | Q(is_begun=True), then=F("crashes") + 1)
            crashes = Case(suspected, default=F("crashes"), output_field=models.IntegerField())
        freed = Chunk.objects.filter(pk=self.pk, owner=owner).update(owner="", crashes=crashes, reason=reason[:300])
        return bool(freed)

    @property
    def is_given_up(self) -> bool:
        """Whether its first trial is not tried again: it was lost MAX_ATTEMPTS times, and seen to run each time.

        The loss that put the chunk under suspicion is not one of them, as any of its trials may have run then.
        """
        return self.crashes > settings.MAX_ATTEMPTS

    @property
    def has_surely_not_begun(self) -> bool:
        """Whether no trial runs: of a chunk under suspicion the row hears at once when one begins."""
        return self.crashes > 0 and not self.is_begun

    def write_begun(self, owner: str) -> bool:
        """Note that a trial runs now; False when `owner` has lost the chunk."""
        if not self._mine(owner).update(beat=F("beat") + 1, is_begun=True):
            return False
        Run.objects.filter(pk=self.run_id, phase=TRIALS_PHASE, crashes__gt=0).update(crashes=0)
        return True

    def suspect(self, owner: str, reason: str) -> bool:
        """Give the chunk free after a loss that only its first trial can have caused."""
        mine = Chunk.objects.filter(pk=self.pk, owner=owner)
        return bool(mine.update(owner="", crashes=settings.MAX_ATTEMPTS + 1, reason=reason[:300]))

    def _mine(self, owner: str) -> "models.QuerySet[Chunk]":
        return Chunk.objects.filter(pk=self.pk, owner=owner, run__state=RunState.RUNNING)


def store_trials(run: Run, trials: Sequence[Trial]) -> None:
    """Insert trials within the transaction that counts them, and note the best one."""
    rev = Run.objects.values_list("rev", flat=True).get(pk=run.pk)
    for trial in trials:
        trial.rev = rev
    insert(trials)
    _note_best(run, trials)


def count_reused(run: Run, owner: str, trials: Sequence[Trial]) -> bool:
    """Store trials that an earlier run had, for the owner that prepares `run`; False when it has lost the run."""
    with transaction.atomic():
        rows = Run.objects.filter(pk=run.pk, state=RunState.RUNNING, owner=owner)
        if not rows.update(
            processed=F("processed") + len(trials),
            reused=F("reused") + len(trials),
            rev=F("rev") + 1,
            beat=F("beat") + 1,
            updated_at=timezone.now(),
        ):
            return False
        store_trials(run, trials)
        transaction.on_commit(notify.ring, robust=True)
    return True


def _lock(run: Run, **conditions: Any) -> bool:
    """Lock the run's row until the end of the transaction; False when its trials may not be evaluated now."""
    rows = Run.objects.filter(pk=run.pk, state=RunState.RUNNING, phase=TRIALS_PHASE, **conditions)
    return bool(rows.update(beat=F("beat") + 1))


def _count(run: Run, trials: Sequence[Trial]) -> bool:
    """Add trials to the run's counts, which locks its row; False when it does not run any more."""
    rows = Run.objects.filter(pk=run.pk, state=RunState.RUNNING, phase=TRIALS_PHASE)
    if not trials:
        return bool(rows.update(beat=F("beat") + 1))
    return bool(
        rows.update(
            processed=F("processed") + len(trials),
            failed=F("failed") + sum(trial.is_failed for trial in trials),
            crashes=0,
            rev=F("rev") + 1,
            updated_at=timezone.now(),
        )
    )


def _missing(run: Run, chunk: Chunk) -> list[int]:
    """Return the numbers in a chunk's range that have no trial yet."""
    end = chunk.first + chunk.count
    there = Trial.objects.filter(run=run, number__gte=chunk.first, number__lt=end).order_by()
    known = set(there.values_list("number", flat=True))
    return [number for number in range(chunk.first, end) if number not in known]


def _note_best(run: Run, trials: Sequence[Trial]) -> None:
    """Keep the best trial; among equals the first one, whoever was quicker."""
    sign = -1.0 if run.spec["direction"] == "maximize" else 1.0
    ranked = [(sign * t.objective, t.number, t) for t in trials if t.is_eligible and t.objective is not None]
    if not ranked:
        return
    value, number, trial = min(ranked, key=lambda item: item[:2])
    best_value, best_trial = Run.objects.values_list("best_value", "best_trial").get(pk=run.pk)
    if best_value is not None and best_trial is not None and (sign * best_value, best_trial) <= (value, number):
        return
    Run.objects.filter(pk=run.pk).update(best_value=trial.objective, best_trial=number)
