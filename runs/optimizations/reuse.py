"""Trials that earlier optimizations evaluated: found, counted and taken over instead of computed again."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from algotrade.optimize.known import translate
from algotrade.optimize.samplers import Sampler, sampler_of
from algotrade.resolve import ResolvedOptimization
from algotrade.spec import OptimizationSpec, family_key
from runs.models import Run, Trial, TrialFamily
from runs.models.optimization import count_reused
from runs.optimizations.plan import plan_of, sampler
from runs.optimizations.scoring import TrialScorer

ROWS_AT_ONCE = 1_000
MOST_COUNTED = 1_000_000
"""Rows of earlier trials that are looked at for a count, the newest runs first."""


def n_known(resolved: ResolvedOptimization) -> int:
    """Return how many trials of a submission are known already."""
    keys = [family_key(resolved.spec, resolved.inputs, index) for index in range(len(resolved.spec.datasets))]
    if not TrialFamily.objects.filter(key__in=keys).exists():
        return 0
    return len(_numbers_known(resolved.spec, keys, sampler_of(resolved.spec), exclude=None))


def take_over(run: Run, owner: str) -> bool:
    """Copy into `run` what earlier runs know of its trials; False when `owner` has lost the run meanwhile."""
    keys = list(run.families.filter(source=len(run.sources) - 1).order_by("dataset").values_list("key", flat=True))
    if not TrialFamily.objects.filter(key__in=keys).exclude(run=run).exists():
        return True
    plan = plan_of(run)
    known = _numbers_known(plan.spec, keys, sampler(run), exclude=run)
    there = set(run.trials.values_list("number", flat=True))
    missing = [item for item in sorted(known.items()) if item[0] not in there]
    scorer = TrialScorer(run)
    for batch in _batches(missing):
        earlier = Trial.objects.in_bulk([pk for _, (pk, _) in batch])
        copies = [
            scorer.copy_of(earlier[pk], number, combination) for number, (pk, combination) in batch if pk in earlier
        ]
        if not count_reused(run, owner, copies):
            return False
    return True


def _batches(items: list[tuple[int, tuple[int, int]]]) -> Iterator[list[tuple[int, tuple[int, int]]]]:
    for start in range(0, len(items), ROWS_AT_ONCE):
        yield items[start : start + ROWS_AT_ONCE]


def _numbers_known(
    spec: OptimizationSpec, keys: list[str], here: Sampler, *, exclude: Run | None
) -> dict[int, tuple[int, int]]:
    """Return the row (primary key) and the combination of each trial number that an earlier run completed."""
    combinations = here.combinations(0, here.n_trials)
    order = np.argsort(combinations, kind="stable")
    ascending = combinations[order]
    known: dict[int, tuple[int, int]] = {}
    n_seen = 0
    families = TrialFamily.objects.filter(key__in=keys).select_related("run").order_by("-run_id")
    for family in families.exclude(run=exclude) if exclude else families:
        rows = _completed(family)
        n_seen += len(rows)
        if not len(rows) or n_seen > MOST_COUNTED:
            continue
        there = plan_of(family.run).spec
        wanted = translate(rows[:, 1], there, family.dataset, spec, keys.index(family.key))
        places = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
        for row in np.flatnonzero(ascending[places] == wanted):
            known.setdefault(int(order[places[row]]), (int(rows[row, 0]), int(wanted[row])))
    return known


def _completed(family: TrialFamily) -> NDArray[np.int64]:
    """Return primary key and combination of a family's completed trials, int64[n, 2]."""
    rows = Trial.objects.filter(run_id=family.run_id, source=family.source, is_failed=False).order_by()
    return np.array(list(rows.values_list("pk", "combination")), dtype=np.int64).reshape(-1, 2)
