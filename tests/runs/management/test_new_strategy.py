"""`manage.py new_strategy`: what it writes runs as it is, and what it refuses."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from algotrade.strategies.catalog import Catalog
from tests.engine.market import backtest, bytes_of, candles, strategy_from


@pytest.fixture
def folder(tmp_path, settings):
    """Return the user's folder, which is not there yet."""
    settings.ALGOTRADE_STRATEGIES = tmp_path / "strategies"
    return settings.ALGOTRADE_STRATEGIES


@pytest.fixture
def write(folder, site):
    """Return a function that runs the command and returns what it says."""

    def write_(name):
        out = StringIO()
        call_command("new_strategy", name, stdout=out)
        return out.getvalue()

    return write_


def test_written_file_is_a_strategy_of_the_catalog(write, folder, tmp_path):
    told = write("my_breakout_2")
    info = Catalog(folder, tmp_path / "archive").get("my_breakout_2")
    assert (info.title, info.builtin, info.compiled, info.rules) == ("My Breakout 2", False, True, ("fast < slow",))
    assert all(param.help for param in info.params)
    assert str(folder / "my_breakout_2.py") in told
    assert told.endswith("backtest --strategy my_breakout_2 --asset ACME --exchange TEST --timeframe 1h\n")


def test_written_file_runs_as_it_is_in_both_gears(write, folder, tmp_path):
    write("my_own")
    strategy = strategy_from(tmp_path, (folder / "my_own.py").read_text())
    compiled, interpreted = (backtest(strategy, candles("GOOG"), compiled=gear) for gear in (True, False))
    assert len(compiled.trades) > 10
    assert bytes_of(compiled) == bytes_of(interpreted)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sma_cross", "is a built-in strategy"),
        ("My", "Must be lower-case words"),
        ("2fast", "Must be lower-case words"),
        ("a-b", "Must be lower-case words"),
        ("_hidden", "Must be lower-case words"),
        ("../outside", "Must be lower-case words"),
        ("größe", "Must be lower-case words"),
        ("", "Must be lower-case words"),
        ("x" * 101, "has 101 characters"),
        ("lambda", "a keyword of Python"),
        ("numpy", "is the name of a library"),
        ("json", "is the name of a library"),
        ("algotrade", "is the name of a library"),
    ],
)
def test_bad_name_is_refused_and_nothing_written(write, folder, name, told):
    with pytest.raises(CommandError, match=f"name: .*{told}") as caught:
        write(name)
    assert caught.value.returncode == 2
    assert not folder.exists()


def test_file_that_is_there_stays_as_it_is(write, folder):
    write("my_own")
    (folder / "my_own.py").write_text("changed")
    with pytest.raises(CommandError, match=r"my_own\.py is there already") as caught:
        write("my_own")
    assert caught.value.returncode == 2
    assert (folder / "my_own.py").read_text() == "changed"
    assert [path.name for path in folder.iterdir()] == ["my_own.py"]


@pytest.mark.parametrize("name", ["rules", "static"])
def test_name_that_hides_nothing_is_free(write, folder, name):
    write(name)
    assert (folder / f"{name}.py").exists()
