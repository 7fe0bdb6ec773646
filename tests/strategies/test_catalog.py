"""The catalog: what is there, what is broken, and which bytes a run will execute."""

import ast
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from algotrade.errors import StrategyError
from algotrade.strategies.catalog import BEING_READ, Catalog, title_of
from algotrade.strategies.parsing import parse
from tests.stack import is_running, wait_for

GOOD = '''
from algotrade.strategies import Param, Strategy

class Mine(Strategy):
    """Bet on nothing."""
    length = Param(20, low=2, high=200)
    rules = ["length > 1"]

    @staticmethod
    def on_bar(bars, ind, params, broker):
        broker.buy()
'''


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "strategies"
    path.mkdir()
    return path


@pytest.fixture
def catalog(folder, tmp_path):
    return Catalog(folder, tmp_path / "archive")


def pass_time(monkeypatch, seconds):
    """Let the catalog's clock be so many seconds ahead."""
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds)
    monkeypatch.setattr("algotrade.strategies.catalog.time", clock)


def test_catalog_lists_built_in_strategies_with_their_parameters(catalog):
    info = catalog.get("sma_cross")
    assert (info.builtin, info.compiled, info.title) == (True, True, "SMA Cross")
    assert [(p.name, p.default) for p in info.params] == [("fast", 10), ("slow", 30), ("side", "long")]
    assert info.rules == ("fast < slow",)


def test_catalog_knows_a_file_as_soon_as_it_is_there(catalog, folder):
    (folder / "mine.py").write_text(GOOD)
    info = catalog.get("mine")
    assert (info.builtin, info.doc, info.params[0].high) == (False, "Bet on nothing.", 200)


def test_changed_file_has_another_hash_and_the_old_bytes_stay(catalog, folder):
    (folder / "mine.py").write_text(GOOD)
    old = catalog.get("mine").source_hash
    (folder / "mine.py").write_text(GOOD.replace("buy", "sell"))
    new = catalog.get("mine").source_hash
    assert old != new
    assert "buy" in (catalog.snapshot(old) / "mine.py").read_text()
    assert "sell" in (catalog.snapshot(new) / "mine.py").read_text()


def test_older_version_is_still_described(catalog, folder):
    (folder / "mine.py").write_text(GOOD)
    old = catalog.get("mine").source_hash
    (folder / "mine.py").write_text(GOOD.replace("Param(20", "Param(21"))
    new = catalog.get("mine").source_hash
    assert [catalog.described("mine", one).params[0].default for one in (old, new)] == [20, 21]
    assert catalog.described("mine", "f" * 64) is None


def test_hash_covers_imported_modules_of_the_folder(catalog, folder):
    (folder / "helper.py").write_text("LIMIT = 1\n")
    (folder / "mine.py").write_text("import helper\n" + GOOD)
    old = catalog.get("mine")
    (folder / "helper.py").write_text("LIMIT = 2\n")
    assert catalog.get("mine").source_hash != old.source_hash
    assert (catalog.snapshot(old.source_hash) / "helper.py").read_text() == "LIMIT = 1\n"


def test_module_without_a_strategy_is_not_listed(catalog, folder):
    (folder / "helper.py").write_text("LIMIT = 1\n")
    assert "helper" not in {info.name for info in catalog.all()}


def read(catalog):
    """Return all strategies by name, once every file was read."""
    infos = {info.name: info for info in catalog.all()}
    return None if any(info.error == BEING_READ for info in infos.values()) else infos


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (GOOD + "\nboom(", "SyntaxError"),
        ("import nowhere\n" + GOOD, "ModuleNotFoundError"),
        ("import os\nos._exit(3)\n" + GOOD, "exit status 3"),
        ("import ctypes\nctypes.string_at(0)\n" + GOOD, "SIGSEGV"),
        ("raise SystemExit(0)\n" + GOOD, "SystemExit"),
        (GOOD + "\nclass Second(Strategy):\n    pass\n", "one"),
        (GOOD.replace("Param(20, low=2, high=200)", "Param(1, choices=[1, 2])"), "choice 1 of a parameter"),
        (GOOD.replace("low=2", "low='2'"), "low of a parameter must be a number"),
        (GOOD.replace("low=2", "step=0"), "step of a parameter must be above 0"),
        (GOOD.replace("low=2", "low=float('nan')"), "nan"),
        (GOOD.replace("low=2", "help=5"), "help of a parameter must be a text"),
        (GOOD.replace("length > 1", "length <"), "is not an expression"),
        (GOOD.replace("length > 1", "lenth > 1"), "'lenth', which is not a parameter"),
        (GOOD.replace('["length > 1"]', '"length > 1"'), "The rules must be a list"),
        (GOOD.replace("rules =", 'panes = {"rsi": 1}\n    rules ='), "The panes must be a dict"),
        (GOOD.replace("rules =", 'panes = ["rsi"]\n    rules ='), "The panes must be a dict"),
        (GOOD.replace("length = Param(", "title = Param("), "cannot be called 'title'"),
        (GOOD.replace("low=2", "help=chr(0xD800)"), "cannot be stored"),
        (GOOD.replace("Bet on nothing.", "Bet on \\0."), "cannot be stored"),
    ],
)
def test_broken_file_is_listed_with_its_error_and_hurts_nobody(catalog, folder, source, told):
    (folder / "mine.py").write_text(source)
    infos = wait_for(lambda: read(catalog), 60, "the end of reading")
    assert told in infos["mine"].error
    assert infos["sma_cross"].error is None
    with pytest.raises(StrategyError, match="cannot be used"):
        catalog.get("mine")


HANGS = "import time\ntime.sleep(60)\n"


def test_file_that_hangs_is_told(catalog, folder, monkeypatch):
    monkeypatch.setattr("algotrade.strategies.describe.TIMEOUT_SECONDS", 1.0)
    (folder / "mine.py").write_text(HANGS + GOOD)
    assert "took more than 1 s" in wait_for(lambda: read(catalog), 60, "the end of reading")["mine"].error


def test_file_that_hung_is_not_tried_again_soon(catalog, folder, monkeypatch):
    monkeypatch.setattr("algotrade.strategies.describe.TIMEOUT_SECONDS", 1.0)
    (folder / "mine.py").write_text(HANGS + GOOD)
    with pytest.raises(StrategyError, match="took more than 1 s"):
        catalog.get("mine")
    monkeypatch.setattr(catalog, "_describer", None)  # whoever asks it fails
    pass_time(monkeypatch, 500)
    with pytest.raises(StrategyError, match="took more than 1 s"):
        catalog.get("mine")
    pass_time(monkeypatch, 700)
    with pytest.raises(AttributeError):
        catalog.get("mine")


def test_list_does_not_wait_for_files_that_hang(catalog, folder, monkeypatch):
    monkeypatch.setattr("algotrade.strategies.describe.TIMEOUT_SECONDS", 5.0)
    monkeypatch.setattr("algotrade.strategies.catalog.LIST_SECONDS", 0.5)
    catalog.all()  # the built-in ones are known from here on
    for name in ("hung", "stuck"):
        (folder / f"{name}.py").write_text(HANGS + GOOD)
    (folder / "mine.py").write_text(GOOD)
    infos = {info.name: info for info in catalog.all()}
    assert infos["hung"].error == infos["stuck"].error == BEING_READ
    assert infos["sma_cross"].error is None
    assert catalog.get("mine").error is None  # though the others are still being read
    infos = wait_for(lambda: read(catalog), 60, "the end of reading")
    assert all("took more than 5 s" in infos[name].error for name in ("hung", "stuck"))


def test_two_lists_at_once_ask_once(catalog, folder, tmp_path, monkeypatch):
    catalog.all()
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'asked')!r}, 'a').write('x')\n" + GOOD)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: catalog.get("mine").error, range(4)))
    assert found == [None] * 4
    assert (tmp_path / "asked").read_text() == "x"


def test_answer_that_came_while_somebody_looked_is_not_asked_for_again(catalog, folder, tmp_path, monkeypatch):
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'asked')!r}, 'a').write('x')\n" + GOOD)
    look = catalog._archived

    def look_while_another_asks(source):
        monkeypatch.setattr(catalog, "_archived", look)
        assert look(source) is None
        catalog.get("mine")

    monkeypatch.setattr(catalog, "_archived", look_while_another_asks)
    assert catalog.get("mine").error is None
    assert (tmp_path / "asked").read_text() == "x"


def test_file_that_kills_its_parent_hurts_nobody_and_is_not_tried_again(catalog, folder, tmp_path, monkeypatch):
    note = f"open({str(tmp_path / 'tries')!r}, 'a').write('x')"
    deed = f"import os, signal, time\n{note}\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)\n"
    (folder / "mine.py").write_text(deed + GOOD)
    with pytest.raises(StrategyError, match="ended its process: SIGKILL"):
        catalog.get("mine")
    tries = (tmp_path / "tries").read_text()
    pass_time(monkeypatch, 1e6)
    with pytest.raises(StrategyError, match="ended its process: SIGKILL"):
        catalog.get("mine")
    assert (tmp_path / "tries").read_text() == tries
    (folder / "mine.py").write_text(GOOD)
    assert catalog.get("mine").error is None


def test_file_that_wants_all_memory_is_told(catalog, folder):
    (folder / "mine.py").write_text("kept = bytearray(60 << 30)\n" + GOOD)
    with pytest.raises(StrategyError, match="MemoryError"):
        catalog.get("mine")


def test_what_a_file_forks_ends_with_its_description(catalog, folder, tmp_path):
    fork = f"import os, time\nif os.fork() == 0:\n    open({str(tmp_path / 'fork')!r}, 'w').write(str(os.getpid()))\n"
    (folder / "mine.py").write_text(f"{fork}    time.sleep(60)\ntime.sleep(1)\n{GOOD}")
    assert catalog.get("mine").error is None
    assert not is_running(int((tmp_path / "fork").read_text()))


def test_stored_description_that_means_nothing_is_made_again(catalog, folder, tmp_path):
    (folder / "mine.py").write_text(GOOD)
    info = catalog.get("mine")
    (tmp_path / "archive" / f"{info.source_hash}.mine.json").write_text('{"params": [{"choices": [1]}]}')
    assert Catalog(folder, tmp_path / "archive").get("mine").params[0].default == 20


def test_pipe_and_unreadable_name_are_told_and_hang_nobody(catalog, folder):
    os.mkfifo(folder / "pipe.py")
    (folder / os.fsdecode(b"gar\xffbage.py")).write_text(GOOD)
    errors = {info.name: info.error for info in catalog.all()}
    assert errors["pipe"] == "It is not a file."
    assert "holds '?'" in errors["gar?bage"]
    json.dumps(errors, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("numpy", "'numpy' is the name of a library"),
        ("signal", "'signal' is the name of a library"),
        ("algotrade", "'algotrade' is the name of a library"),
        ("__main__", "'__main__' is the name of a library"),
        ("class", "'class' is a keyword of Python"),
        ("2fast", "'2fast' begins with a digit; begin it with a letter, as in my_2fast"),
        ("my-fast", "holds '-'; letters, digits and _ are allowed"),
        ("my fast.v2", "holds ' ', '.'; letters, digits and _ are allowed"),
        ("x" * 101, "has 101 characters; at most 100 are allowed"),
        ("x" * 186, "has 186 characters"),
        ("x" * 252, "has 252 characters"),
    ],
)
def test_name_that_cannot_be_is_told_and_breaks_nothing_else(catalog, folder, name, told):
    (folder / f"{name}.py").write_text(GOOD)
    (folder / "mine.py").write_text(GOOD)
    infos = {info.name: info for info in catalog.all()}
    assert told in infos[name].error
    assert catalog.get("mine").error is None
    with pytest.raises(StrategyError, match="cannot be used"):
        catalog.get(name)


@pytest.mark.parametrize("name", ["größe", "Mixed_Case", "_hidden", "x" * 100])
def test_unusual_name_that_python_takes_is_taken(catalog, folder, name):
    (folder / f"{name}.py").write_text(GOOD)
    assert catalog.get(name).params[0].default == 20


def test_helper_of_any_name_is_no_broken_strategy(catalog, folder):
    (folder / "my-notes.py").write_text("LIMIT = 1\n")
    assert "my-notes" not in {info.name for info in catalog.all()}


def test_bound_that_is_infinite_is_none(catalog, folder):
    (folder / "mine.py").write_text(GOOD.replace("high=200", "high=float('inf')"))
    assert catalog.get("mine").params[0].high is None


def test_error_tells_the_line_in_the_users_folder_not_in_the_archive(catalog, folder):
    (folder / "mine.py").write_text("import nowhere\n" + GOOD)
    error = {info.name: info for info in catalog.all()}["mine"].error
    assert 'File "strategies/mine.py", line 1' in error


def test_file_of_a_built_in_name_takes_its_place(catalog, folder):
    (folder / "sma_cross.py").write_text(GOOD)
    assert not catalog.get("sma_cross").builtin


def test_unknown_strategy_is_told_with_those_that_exist(catalog):
    with pytest.raises(StrategyError, match=r"'nope'.*sma_cross"):
        catalog.get("nope")


def test_missing_folder_leaves_the_built_in_strategies(tmp_path):
    assert Catalog(tmp_path / "none", tmp_path / "archive").get("buy_and_hold").builtin


def test_description_of_unchanged_sources_needs_no_child(catalog, folder, tmp_path, monkeypatch):
    (folder / "mine.py").write_text(GOOD)
    catalog.get("mine")
    again = Catalog(folder, tmp_path / "archive")
    monkeypatch.setattr(again._describer, "ask", lambda *_: pytest.fail("asked a child"))
    assert again.get("mine").params[0].name == "length"


def test_strategy_sees_no_environment_of_ours(catalog, folder, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    (folder / "mine.py").write_text("import os\nassert 'DATABASE_URL' not in os.environ, 'leak'\n" + GOOD)
    assert catalog.get("mine").error is None
    assert "DATABASE_URL" in os.environ


def test_title_spells_acronyms_in_capitals():
    assert title_of("sma_cross_with_rsi") == "SMA Cross With RSI"
    assert title_of("connors_rsi2") == "Connors RSI2"


def in_thread(function, *arguments):
    """Return what a function returns in a thread that ends with it, as a web server's do."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def test_descriptions_survive_the_threads_that_asked_for_them(catalog, folder):
    for number in range(6):
        (folder / f"mine{number}.py").write_text(GOOD.replace("20", str(20 + number)))
    found = [in_thread(catalog.get, f"mine{number}") for number in range(6)]
    assert [info.params[0].default for info in found] == list(range(20, 26))


def test_killed_describer_does_not_make_a_strategy_broken(catalog, folder):
    (folder / "mine.py").write_text(GOOD)
    catalog.get("mine")
    for child, _ in catalog._describer._idle:
        os.kill(child.pid, signal.SIGKILL)
    (folder / "mine.py").write_text(GOOD.replace("20", "21"))
    assert catalog.get("mine").params[0].default == 21


def test_import_error_is_looked_at_again_after_a_while(catalog, folder, tmp_path, monkeypatch):
    (folder / "mine.py").write_text(f"import sys\nsys.path.append({str(tmp_path)!r})\nimport late_package\n{GOOD}")
    with pytest.raises(StrategyError, match="late_package"):
        catalog.get("mine")
    (tmp_path / "late_package.py").write_text("")
    with pytest.raises(StrategyError, match="late_package"):
        catalog.get("mine")
    pass_time(monkeypatch, 1_000)
    assert catalog.get("mine").error is None


def test_sources_are_parsed_in_many_threads_at_once():
    content = "\n".join(f"def f{n}(x):\n    return [{n}, x, (x + {n}) * 2]" for n in range(150))
    trees = []
    with ThreadPoolExecutor(8) as threads:
        trees += threads.map(lambda n: parse(f"{content}\nlast = {n}"), range(64))
    assert [tree.body[-1].value.value for tree in trees] == list(range(64))


def test_parse_that_failed_for_the_sake_of_another_is_done_again(monkeypatch):
    answers = iter([SystemError("AST constructor recursion depth mismatch"), ast.parse("a = 1")])

    def flaky(*_, **__):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(ast, "parse", flaky)
    assert isinstance(parse("a = 1").body[0], ast.Assign)
