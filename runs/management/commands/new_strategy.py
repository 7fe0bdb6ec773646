"""`manage.py new_strategy`: a strategy's file to start from, in the user's folder."""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from algotrade.strategies.catalog import BUILTIN_FOLDER, title_of
from algotrade.strategies.names import name_problem
from algotrade.strategies.sources import read_source
from runs import artifacts
from runs.management import first_start
from runs.management.command import ProductCommand

BAD_INPUT = 2
GOOD_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SOURCE = '''"""{title}."""

from algotrade.strategies import Param, Strategy, atr, crossed_above, sma


class {cls}(Strategy):
    """Bet that trends last: buy when the fast average rises above the slow one, leave below it or at a loss.

    This text is shown in the form: say what the strategy bets on, and where the idea comes from.
    """

    # Each parameter is a field of the form and of the API, and can be an axis of an optimization.
    fast = Param(10, low=2, high=200, unit="bars", help="Length of the fast average")
    slow = Param(40, low=3, high=400, unit="bars", help="Length of the slow average")
    loss = Param(3.0, low=0.5, high=20.0, step=0.5, unit="ATR", help="Loss at which a position is closed")

    # What must hold between parameters: anything else is refused before it starts.
    rules = ["fast < slow"]

    def indicators(self, bars):
        # Whole columns at once, by NumPy or by the indicators of algotrade.strategies: one value for each bar.
        # A value may depend on its own bar and on earlier ones only, which is checked.
        return {{
            "fast": sma(bars.close, self.fast),
            "slow": sma(bars.close, self.slow),
            "reach": atr(bars.high, bars.low, bars.close, 14),
        }}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        # Decides at the close of each bar: [-1] is this bar, [-2] the one before, and later ones are not there.
        # It is compiled; `compiled = False` above runs it as ordinary Python, with any library.
        if broker.position == 0.0:
            if crossed_above(ind.fast, ind.slow):
                broker.buy()  # fills at the open of the next bar; buy(fraction=0.5), buy(quantity=10) choose a size
        elif ind.fast[-1] < ind.slow[-1]:
            broker.close()
        elif bars.close[-1] < broker.entry_price - params.loss * ind.reach[-1]:
            broker.close()
'''


class Command(ProductCommand):
    """Write a strategy that runs as it is, to be changed."""

    help = "Write a working, commented strategy into your folder, to be changed into your own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="of the file and of the strategy, such as my_breakout")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the file, and say where it is and how to run it."""
        name = options["name"]
        problem = why_not(name)
        if problem:
            raise CommandError(f"Nothing was written.\nname: {problem}", returncode=BAD_INPUT)
        cls = "".join(word.capitalize() for word in name.split("_"))
        path = first_start.make_folders() / f"{name}.py"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(SOURCE.format(title=title_of(name), cls=cls))
        except FileExistsError:
            raise CommandError(f"Nothing was written.\nname: {path} is there already.", returncode=BAD_INPUT) from None
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"Wrote {path}\nIt runs as it is, and the form offers it now. In the terminal:\n")
        self.stdout.write(f"  python3 manage.py backtest --strategy {name} {_some_dataset()}")


def why_not(name: str) -> str:
    """Return why a strategy cannot be called so; an empty text when it can."""
    if not GOOD_NAME.fullmatch(name):
        return f"Must be lower-case words of letters and digits, joined by _, such as my_breakout; it is {name!r}."
    builtin = BUILTIN_FOLDER / f"{name}.py"
    if builtin.exists() and read_source(builtin, builtin=True) is not None:
        return f"{name!r} is a built-in strategy; a file of that name would replace it."
    return name_problem(name)


def _some_dataset() -> str:
    """Return options that name a dataset which is there."""
    first = next(iter(artifacts.candle_store().datasets()), None)
    asset, exchange, timeframe = (first.asset, first.exchange, first.timeframe) if first else ("SPY", "NYSE", "1h")
    return f"--asset {asset} --exchange {exchange} --timeframe {timeframe}"
