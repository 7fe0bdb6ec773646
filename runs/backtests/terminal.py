"""A backtest's outcome for a terminal: one line, a table of its metrics, and what went wrong."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from algotrade.account import ACCOUNT_FIELDS, AccountField
from algotrade.spec import BacktestSpec
from runs.backtests import report
from runs.display.figures import dataset_label, moment, strategy_title
from runs.display.form_values import as_text
from runs.display.standing import percent_done
from runs.display.traces import error_report, own_line
from runs.models import Run, RunState
from runs.templatetags import figures, numbers

INDENT = "  "


def standing(run: Run) -> str:
    """Return equity and trades so far, in few words."""
    live = run.live or {}
    trades = live.get("trades")
    parts = [f"equity {numbers.money(live['equity'])}" if live.get("equity") is not None else ""]
    parts.append(f"{trades:,} trade{'' if trades == 1 else 's'}" if trades else "")
    return ", ".join(part for part in parts if part)


def headline(run: Run) -> str:
    """Return one line about how it stands."""
    if run.state == RunState.COMPLETED:
        metrics = (run.result or {})["metrics"]
        sharpe = "undefined" if metrics["sharpe_ratio"] is None else numbers.ratio(metrics["sharpe_ratio"])
        took = f"{run.total:,} bars in {numbers.duration(run.elapsed_seconds)}"
        gain = numbers.signed_percent(metrics["total_return"])
        return f"completed, {took}: {gain}, Sharpe {sharpe}, {metrics['trades']:,} trades."
    state = run.get_state_display().lower()
    if run.processed or run.state == RunState.CANCELLED:
        state += f" at {percent_done(run):.1f}%, {run.processed:,} of {run.total:,} bars"
    if run.state != RunState.FAILED:
        return f"{state}."
    place = f" ({own_line(run)})" if own_line(run) else ""
    return f"{state}: {run.error_type}: {run.error_message}{place}"


def lines(run: Run) -> list[str]:
    """Return the outcome as people read it."""
    output = [f"{run}: {headline(run)}", asked(run), costs(run.spec)]
    if run.state != RunState.COMPLETED:
        return output
    output += [f"Note: {finding}" for finding in (run.result or {}).get("findings", [])]
    return [*output, "", *_table(run)]


def asked(run: Run) -> str:
    """Return what was run on what, in one line."""
    spec = BacktestSpec.from_dict(run.spec)
    parameters = ", ".join(f"{name} {as_text(value)}" for name, value in spec.parameters.items())
    strategy = strategy_title(run) + (f" ({parameters})" if parameters else "")
    start, end = (f"{moment(at):%Y-%m-%d %H:%M}" for at in (spec.start_ns, spec.end_ns))
    return f"{strategy}, {dataset_label(run)} on {spec.exchange}, {start} to {end} UTC"


def costs(account: Mapping[str, Any]) -> str:
    """Return what trading cost in one line, zeros too: the pages' form proposes other costs than commands do.

    Args:
        account: fields of an account by name, as a stored spec has them.
    """
    parts = []
    for declared in ACCOUNT_FIELDS:
        value = account.get(declared.name, declared.default)
        if declared.in_costs == "always" or (declared.in_costs == "changed" and value != declared.default):
            parts.append(f"{declared.label.lower()} {_cost(declared, value)} {declared.per}".strip())
    return f"Costs: {', '.join(parts)}"


def _cost(declared: AccountField, value: float) -> str:
    if declared.is_percent:
        return f"{value * 100:.6g}%"
    ticks = f" tick{'' if value == 1 else 's'}" if declared.unit == "ticks" else ""
    return f"{value:.10g}{ticks}"


def problems(run: Run) -> list[str]:
    """Return the traceback of a failed run exactly, what was known at its bar, and what the strategy printed last."""
    if run.state != RunState.FAILED:
        return []
    error = error_report(run)
    output = []
    if error.bar is not None:
        output.append(f"Bar {error.bar:,}{f', {error.time:%Y-%m-%d %H:%M} UTC' if error.time else ''}")
    for name, values in (("Parameters", error.parameters), ("Indicators", error.indicators)):
        if values:
            output.append(f"{name}: {', '.join(f'{key} {value}' for key, value in values.items())}")
    if error.position is not None:
        output.append(f"Position: {error.position}")
    output += [f"Pending order: {order}" for order in error.orders]
    return [*output, error.trace.rstrip("\n")]


def _table(run: Run) -> list[str]:
    """Return every metric by group: for all trades, for long and for short ones where it has sides."""
    table = report.metrics_of_run(run)
    groups: dict[str, list[report.MetricRow]] = {}
    for name, rows in chain(table.main, table.more):
        groups.setdefault(name, []).extend(rows)
    cells = {
        name: [
            [INDENT + row.all.label, *(figures.shown(one) if one else "" for one in (row.all, row.long, row.short))]
            for row in rows
        ]
        for name, rows in groups.items()
    }
    every = [["", "All", "Long", "Short"], *chain.from_iterable(cells.values())]
    widths = [max(len(row[column]) for row in every) for column in range(4)]

    def line(row: list[str]) -> str:
        numbers_ = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        return "  ".join([row[0].ljust(widths[0]), *numbers_]).rstrip()

    output = [line(every[0])]
    for name, shown in cells.items():
        output += [name, *map(line, shown)]
    return output
