"""`manage.py optimize`: what options mean, what is refused, what is told. Real runs: tests/integration."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from algotrade.metrics.vector import METRIC_KEYS, to_vector
from runs import shutdown
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
    monkeypatch.setattr(shutdown, "begin", lambda: None)
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


def test_costs_are_told(command):
    told = command("--axis", "fast=2:50:2", "--commission", "0.0005").splitlines()
    assert told[1] == "Costs: commission 0.05% per side, fixed fee 0 per fill, slippage 0 ticks"


@pytest.fixture
def cancelled(command, monkeypatch):
    """Return a run that was cancelled, and what was told of it."""

    def execute(run_id):
        Run.objects.filter(id=run_id).update(state=RunState.CANCELLED, processed=1)

    with monkeypatch.context() as patch:
        patch.setattr(foreground, "execute", execute)
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("optimize", *WHERE, "--axis", "fast=10:30:10", stdout=out)
    return Run.objects.get(), out.getvalue()


def test_cancelled_one_tells_how_to_go_on(cancelled):
    run, told = cancelled
    assert told.splitlines()[-1] == f"Go on: --resume {run.number}, or Resume on /optimizations/{run.id}"


def test_completed_one_does_not_tell_how_to_go_on(command):
    assert "Go on" not in command("--axis", "fast=10,20")


def test_resume_goes_on_with_the_same_run(cancelled, command):
    run, _ = cancelled
    out = StringIO()
    call_command("optimize", "--resume", str(run.number), stdout=out)
    assert Run.objects.get().state == RunState.COMPLETED
    assert f"Optimization {run.number}: completed" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--resume", "77"], "resume: There is no optimization 77."),
        ([], "strategy_name: "),
        (["--strategy", "sma_cross", "--asset", "ACME"], "exchange: "),
    ],
)
def test_what_cannot_be_known_is_asked_for(command, arguments, told):
    with pytest.raises(CommandError, match=told) as caught:
        call_command("optimize", *arguments, stdout=StringIO())
    assert caught.value.returncode == 2


def test_completed_one_cannot_be_resumed(command):
    command("--axis", "fast=10,20")
    with pytest.raises(CommandError, match=r"resume: .* is completed"):
        call_command("optimize", "--resume", str(Run.objects.get().number), stdout=StringIO())


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
        (["--axis", "fast=3", "--axis", "fast=4"], "axes.fast: Given twice: 3 and 4."),
        (["--axis", "fast=3", "--fixed", "fast=4"], "axes.fast: Given twice: as an axis and as a fixed value."),
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
