"""`manage.py optimize`: what options mean, what is refused, what is told. Real runs: tests/integration."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from algotrade.metrics.vector import METRIC_KEYS, to_vector
from runs import draining
from runs.management import foreground
from runs.models import Run, RunState, Trial

WHERE = ("--strategy", "sma_cross", "--asset", "ACME", "--exchange", "TEST", "--timeframe", "1h")


@pytest.fixture
def command(site, monkeypatch, transactional_db):
    """Return a function that runs the command; every trial is there at once, the last one failed."""

    def execute(run_id):
        run = Run.objects.get(id=run_id)
        for number in range(run.total):
            values = to_vector(dict.fromkeys(METRIC_KEYS, float(number)))
            is_failed = number == run.total - 1
            error = {"error_type": "ValueError", "error_place": "x.py:3", "error_message": "too <wild>\nmore"}
            Trial.objects.create(
                run=run,
                number=number,
                combination=number,
                rev=2,
                objective=None if is_failed else float(number),
                is_eligible=not is_failed,
                is_failed=is_failed,
                metrics=None if is_failed else values.tobytes(),
                **(error if is_failed else {}),
            )
        best = run.total - 2
        state = RunState.COMPLETED if best >= 0 else RunState.FAILED
        Run.objects.filter(pk=run.pk).update(
            state=state, processed=run.total, failed=1, best_trial=best, best_value=best, error_message="All failed."
        )

    monkeypatch.setattr(foreground, "execute", execute)
    monkeypatch.setattr(draining, "begin", lambda: None)
    monkeypatch.setattr("logging.disable", lambda _level: None)

    def run_(*arguments):
        out = StringIO()
        call_command("optimize", *WHERE, *arguments, stdout=out)
        return out.getvalue()

    return run_


def test_options_become_the_spec(command):
    command(
        "--axis", "fast=2:50:2", "--axis", "slow=20,50,100", "--fixed", "side=both", "--rule", "slow - fast > 5",
        "--method", "random", "--trials", "9", "--seed", "4", "--objective", "cagr", "--direction", "minimize",
        "--min-trades", "7", "--cash", "500", "--commission", "0.002", "--slippage-ticks", "3",
        "--start", "2024-01-02", "--end", "2024-01-03",
    )  # fmt: skip
    spec = Run.objects.get().spec
    assert spec["axes"] == [["fast", list(range(2, 51, 2))], ["slow", [20, 50, 100]], ["side", ["both"]]]
    assert spec["rules"] == ["fast < slow", "slow - fast > 5"]
    assert [spec[name] for name in ("method", "max_trials", "seed")] == ["random", 9, 4]
    assert [spec[name] for name in ("objective", "direction", "filters")] == ["cagr", "minimize", {"min_trades": 7.0}]
    assert [spec["account"][name] for name in ("initial_cash", "commission", "slippage_ticks")] == [500.0, 0.002, 3.0]
    assert spec["datasets"][0]["total_bars"] == 48


def test_best_trials_and_failures_are_told(command):
    told = command("--axis", "fast=2:50:2", "--axis", "slow=60").splitlines()
    assert told[0].endswith("completed, 25 of 25 trials: best Sharpe ratio 23.00 at fast 48.")
    head = next(n for n, line in enumerate(told) if line.split()[0:2] == ["Trial", "fast"])
    assert [line.split()[:3] for line in told[head + 1 : head + 11]] == [
        [str(number + 1), str(2 + 2 * number), f"{number}.00"] for number in range(23, 13, -1)
    ]
    assert told[-2:] == ["1 trial failed:", "  1 x ValueError at x.py:3: too <wild> (first: trial 25)"]


def test_result_is_told_as_json(command):
    facts = json.loads(command("--axis", "fast=10,20", "--axis", "slow=60", "--json"))
    assert (facts["status"], facts["total_combinations"], facts["failed_combinations"]) == ("completed", 2, 1)
    assert facts["trials"][0]["parameters"] == {"fast": 10, "slow": 60, "side": "both"}
    assert facts["failures"][0]["error_type"] == "ValueError"


def test_failed_run_has_status_1(command):
    with pytest.raises(SystemExit) as caught:
        command("--axis", "fast=10")
    assert caught.value.code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--axis", "fast=2:50:0"], "axes.fast: Step must be greater than 0. It is 0."),
        (["--axis", "fast=50:2"], "axes.fast: Max must be at least min. Min is 50 and max is 2."),
        (["--axis", "fast"], "axes.fast: Must be like"),
        (["--axis", "=3"], "axes: Must be like"),
        (["--axis", "fast=3", "--axis", "fast=4"], "axes.fast: Is given twice: 3 and 4."),
        (["--axis", "fast=3", "--fixed", "fast=4"], "axes.fast: Is given twice: as an axis and as a fixed value."),
        (["--fixed", "speed=3"], "axes.speed: SMA Cross has no parameter 'speed'"),
        (["--rule", "fast <"], "rules: "),
        (["--trials", "0"], "max_trials: "),
        (["--commission", "2"], "commission: "),
        (["--min-trades", "x"], "filters.min_trades: "),
        (["--objective", "luck"], "objective: "),
    ],
)
def test_bad_input_names_its_field_and_starts_nothing(command, arguments, told):
    with pytest.raises(CommandError) as caught:
        command(*arguments)
    assert caught.value.returncode == 2
    assert told in str(caught.value)
    assert not Run.objects.exists()
