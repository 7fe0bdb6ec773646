"""The loop's source with a strategy's columns in it: a view of what `on_bar` mentions, and of nothing else."""

import ast
from pathlib import Path

import numpy as np
import pytest

from algotrade.engine import loop
from algotrade.engine.splice import spliced, tables_of
from algotrade.market.bars import COLUMNS
from tests.engine.market import GEARS, backtest, bytes_of, random_bars, strategy_from


def names_one_column(bars, ind, params, broker):
    if bars.low[-1] > ind.slow[-1]:
        broker.buy()


def hands_all_on(bars, ind, params, broker):
    broker.buy(quantity=float(len(bars) + len(ind)))


def names_nothing(bars, ind, params, broker):
    broker.close()


@pytest.mark.parametrize(
    ("on_bar", "bars", "ind"),
    [
        (names_one_column, {"low": "low"}, {"slow": "ind_1"}),
        (hands_all_on, {name: name for name in COLUMNS}, {"fast": "ind_0", "slow": "ind_1"}),
        (names_nothing, {"nothing": "close"}, {"nothing": "close"}),
    ],
)
def test_tables_have_what_the_strategy_mentions(on_bar, bars, ind):
    found = tables_of(on_bar, ("fast", "slow"))
    assert [dict(table.columns) for table in found] == [bars, ind]


def test_table_is_made_of_its_own_columns():
    arrays = {name: np.full(3, float(row)) for row, name in enumerate((*COLUMNS, "ind_0", "ind_1"))}
    bars, ind = (table.of(arrays) for table in tables_of(names_one_column, ("fast", "slow")))
    assert bars._asdict() == {"low": arrays["low"]}
    assert ind._asdict() == {"slow": arrays["ind_1"]}


def function_of(text):
    return next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))


def test_compiled_loop_differs_where_tables_were_and_nowhere_else():
    text = spliced("Mine", *tables_of(names_one_column, ("fast", "slow")), 2)
    ours, original = function_of(text), function_of(Path(loop.__file__).read_text())
    assert [argument.arg for argument in ours.args.args][6:13] == [*COLUMNS, "ind_0", "ind_1"]
    lines, expected = ast.unparse(ours).splitlines()[1:], ast.unparse(original.body[1:]).splitlines()
    pairs = [(new.strip(), old.strip()) for new, old in zip(lines, expected, strict=True) if new.strip() != old.strip()]
    assert pairs == [
        (
            "for column in (open, high, low, close, volume, ind_0, ind_1):",
            "for column in (open, high, low, close, *bars, *ind):",
        ),
        (
            "on_bar(Bars(past(low, i + 1)), Ind(past(ind_1, i + 1)), params, broker)",
            "on_bar(past_of(bars, i + 1), past_of(ind, i + 1), params, broker)",
        ),
    ]


def test_gears_agree_on_tables_without_columns(tmp_path):
    source = """
class Mine(Strategy):
    @staticmethod
    def on_bar(bars, ind, params, broker):
        if broker.position == 0.0:
            broker.buy(quantity=1.0 + len(ind))
        else:
            broker.close()
"""
    strategy, bars = strategy_from(tmp_path, source, "without_columns"), random_bars(7, 60)
    runs = [backtest(strategy, bars, compiled=gear) for gear in GEARS.values()]
    assert len(runs[0].trades) > 20
    assert bytes_of(runs[0]) == bytes_of(runs[1])
