"""`manage.py backtest`: what options mean, what is refused, what is told. Real runs: tests/integration."""

import json
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from runs import shutdown
from runs.backtests.schemas import BacktestDetail
from runs.backtests.terminal import costs
from runs.management import foreground
from runs.models import Run, RunState
from tests.builders import ERROR
from tests.runs.pages import N_BARS

WHERE = ("--strategy", "sma_cross", "--asset", "ACME", "--exchange", "TEST", "--timeframe", "1h")
METRICS = {"total_return": 0.482, "sharpe_ratio": 2.413, "trades": 139, "long.win_rate": 0.5, "win_rate": 0.446}
RESULT = {"metrics": METRICS, "reasons": {}, "findings": ["Weak."], "log": ""}
COMPLETED = {"state": RunState.COMPLETED, "processed": N_BARS, "result": RESULT}
CANCELLED = {"state": RunState.CANCELLED, "processed": 12}
FAILED = {
    "state": RunState.FAILED,
    "processed": 7,
    "error_type": "ValueError",
    "error_message": "no",
    "error_stack_trace": "Traceback (most recent call last):\n  ...\nValueError: no\n",
    "error_detail": {**ERROR["detail"], "position": -3.0, "indicators": {"fast": 1.5}},
}


@pytest.fixture
def command(site, monkeypatch, transactional_db):
    """Return a function that runs the command; the run ends at once as it says. It returns both outputs."""

    def run(*arguments, ends=COMPLETED):
        monkeypatch.setattr(foreground, "execute", lambda run_id: Run.objects.filter(id=run_id).update(**ends))
        out, err = StringIO(), StringIO()
        try:
            call_command("backtest", *WHERE, *arguments, stdout=out, stderr=err)
            status = 0
        except SystemExit as error:
            status = error.code
        return status, out.getvalue(), err.getvalue()

    monkeypatch.setattr(shutdown, "begin", lambda: None)
    monkeypatch.setattr("logging.disable", lambda _level: None)
    return run


def test_options_become_the_spec(command):
    command(
        "--param", "fast=12", "--param", "side=long", "--cash", "500", "--commission", "0.002",
        "--slippage-ticks", "3", "--start", "2024-01-02", "--end", "2024-01-03",
        ends=CANCELLED,
    )  # fmt: skip
    run = Run.objects.get()
    assert run.spec["parameters"] == {"fast": 12, "slow": 30, "side": "long"}
    assert [run.spec[name] for name in ("initial_cash", "commission", "slippage_ticks")] == [500.0, 0.002, 3.0]
    assert (run.total, run.kind) == (48, "backtest")


def test_metrics_are_told_as_a_table(command):
    status, told, errors = command()
    lines = told.splitlines()
    assert (status, errors) == (0, "")
    assert lines[0].endswith(f"completed, {N_BARS} bars in —: +48.20%, Sharpe 2.41, 139 trades.")
    assert lines[1].startswith("SMA Cross (fast 10, slow 30, side both), ACME 1h on TEST, 2024-01-01 00:00 to 2024-01-")
    assert lines[2] == "Costs: commission 0% per side, fixed fee 0 per fill, slippage 0 ticks"
    assert lines[3] == "Note: Weak."
    assert [line.split() for line in lines[5:]] == [
        ["All", "Long", "Short"],
        ["Returns"],
        ["Total", "return", "+48.20%", "—", "—"],
        ["Risk"],
        ["Sharpe", "ratio", "2.41", "—", "—"],
        ["Trades"],
        ["Closed", "trades", "139", "—", "—"],
        ["Win", "rate", "44.60%", "50.00%", "—"],
    ]


def test_costs_are_told_as_they_were_asked_for(command):
    told = command("--commission", "0.0005", "--slippage-ticks", "1")[1].splitlines()
    assert told[2] == "Costs: commission 0.05% per side, fixed fee 0 per fill, slippage 1 tick"
    spec = Run.objects.get().spec | {"slippage_frac": 0.001, "fixed_fee": 1.5}
    assert costs(spec).endswith("fixed fee 1.5 per fill, slippage 1 tick, slippage of the price 0.1%")


def test_json_is_what_the_api_answers(command, site):
    told = json.loads(command("--json")[1])
    assert told == json.loads(json.dumps(BacktestDetail.of(Run.objects.get()).model_dump()))
    assert told == site.get(f"/api/backtests/{told['id']}").json()


def test_failure_is_told_with_the_whole_traceback(command):
    status, told, errors = command(ends=FAILED)
    assert status == 1
    assert told.splitlines()[0].endswith("failed at 1.1%, 7 of 600 bars: ValueError: no")
    assert errors.splitlines() == [
        "Bar 7",
        "Parameters: fast 10, slow 30, side both",
        "Indicators: fast 1.5",
        "Position: −3",
        "Traceback (most recent call last):",
        "  ...",
        "ValueError: no",
    ]


def test_failure_as_json_has_the_traceback_and_nothing_else_on_standard_output(command):
    status, told, errors = command("--json", ends=FAILED)
    assert (status, json.loads(told)["error_stack_trace"]) == (1, FAILED["error_stack_trace"])
    assert errors.endswith("ValueError: no\n")


def test_run_cancelled_by_somebody_else_has_status_1(command):
    status, told, errors = command(ends=CANCELLED)
    assert (status, errors) == (1, "")
    assert told.splitlines()[0].endswith("cancelled at 2.0%, 12 of 600 bars.")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--param", "speed=3"], "parameters.speed: SMA Cross has no parameter 'speed'. It has: fast, slow, side."),
        (["--param", "fast=1"], "parameters.fast: Must be a whole number from 2 to 200; it is '1'."),
        (["--param", "fast=50", "--param", "slow=20"], "parameters.fast: "),
        (["--param", "fast"], "parameters.fast: Must be like fast=10; it is 'fast'."),
        (["--param", "=3"], "parameters: Must be like fast=10; it is '=3'."),
        (["--param", "fast=3", "--param", "fast=4"], "parameters.fast: Given twice: 3 and 4."),
        (["--strategy", "nope"], "strategy_name: There is no strategy 'nope'."),
        (["--asset", "NOPE"], "asset: "),
        (["--exchange", "NOPE"], "exchange: "),
        (["--timeframe", "7m"], "timeframe: "),
        (["--start", "soon"], "start: "),
        (["--start", "2024-01-05", "--end", "2024-01-04"], "start: Must be before the end"),
        (["--start", "2030-01-01"], "start: "),
        (["--cash", "-1"], "initial_cash: "),
        (["--commission", "2"], "commission: "),
        (["--slippage-ticks", "x"], "slippage_ticks: "),
    ],
)
def test_bad_input_names_its_field_and_starts_nothing(command, arguments, told):
    with pytest.raises(CommandError) as caught:
        command(*arguments)
    assert caught.value.returncode == 2
    assert told in str(caught.value)
    assert not Run.objects.exists()


def test_missing_option_is_bad_input(site, capsys):
    with pytest.raises(CommandError, match="required: --asset") as caught:
        call_command("backtest", "--strategy", "sma_cross", "--exchange", "TEST", "--timeframe", "1h")
    assert caught.value.returncode in (1, 2)  # from a terminal the parser itself ends with 2


def test_error_within_the_command_ends_the_watcher_and_is_raised(command, monkeypatch):
    def fail(_run_id):
        raise RuntimeError("a defect")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="a defect"):
        command_with(command, monkeypatch, fail)
    assert threading.active_count() == before


def command_with(command, monkeypatch, execute):
    """Run the command with another way to execute."""
    monkeypatch.setattr(foreground, "execute", execute)
    call_command("backtest", *WHERE, stdout=StringIO(), stderr=StringIO())
