"""A child keeps a strategy's misdeeds to itself: its parent learns what ended it, and nothing is left running."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from algotrade import child as child_module
from algotrade import scrubbing
from algotrade.child import LOG_BYTES, Child, ChildEnded, describe_exit
from tests.core.conftest import answer_of, messages_of, rest_of, written
from tests.environment import ROOT
from tests.stack import is_running, kill, wait_for

PARENT = """
import signal, sys, threading
from algotrade.child import Child
from algotrade.nursery import Nursery

child = Child(nursery=Nursery())
if len(sys.argv) > 1:
    child.send({"job": "describe", "source": sys.argv[1], "module": "mine"})
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def parent():
    """Return a function that starts a process with a child of its own, and returns it and the child's process id."""
    parents, children = [], []

    def parent(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, *map(str, arguments)],
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        )
        parents.append(process)
        children.append(int(process.stdout.readline()))
        return process, children[-1]

    yield parent
    for process in parents:
        process.kill()
        process.communicate()
    kill(filter(is_running, children))


def ended(child, job, seconds=30.0):
    """Send a job that ends the child; return the error that tells it."""
    with pytest.raises(ChildEnded) as caught:
        messages_of(child, job, seconds)
    assert not child.is_alive
    return caught.value


def forking(pids, then):
    """Return the code of a strategy that forks and starts a program, writes down all three processes, and goes on."""
    return f"""import subprocess
forked = os.fork()
if forked == 0:
    time.sleep(60)
    os._exit(0)
started = subprocess.Popen(["sleep", "60"])
with open({str(pids)!r}, "w") as file:
    file.write(f"{{os.getpid()}} {{forked}} {{started.pid}}\\n")
{then}
"""


def failed(child, job):
    return answer_of(child, job)["failed"]


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("os._exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    ],
)
def test_strategy_that_ends_its_process_is_told_by_what_ended_it(child, job, deed, reason):
    error = ended(child, job(deed))
    assert error.signal_name == reason
    assert str(error) == f"The process that ran the strategy was ended by {reason}."


def test_segfault_leaves_the_strategys_line_in_the_log(child, job):
    error = ended(child, job("print('before the fall')\nctypes.string_at(0)"))
    assert error.log.startswith("before the fall\nFatal Python error: Segmentation fault")
    assert 'mine.py", line 14 in on_bar' in error.log


@pytest.mark.parametrize(
    ("returncode", "told"), [(0, "exit status 0"), (-9, "SIGKILL"), (-11, "SIGSEGV"), (-63, "signal 63")]
)
def test_exit_is_told_in_words(returncode, told):
    assert describe_exit(returncode) == told


@pytest.mark.parametrize(
    ("deed", "kind", "message"),
    [
        ("sys.exit()", "SystemExit", "SystemExit"),
        ("sys.exit('enough')", "SystemExit", "enough"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit", "GeneratorExit"),
        ("raise ValueError('no')", "ValueError", "no"),
        ("os.kill(os.getpid(), signal.SIGINT)\nraise ValueError('still here')", "ValueError", "still here"),
        ("f = lambda n: f(n + 1)\nf(0)", "RecursionError", "maximum recursion depth exceeded"),
    ],
)
def test_error_of_any_kind_is_told_and_the_child_takes_the_next_job(warm, job, deed, kind, message):
    error = failed(warm, job(deed))
    assert error["type"] == kind
    assert error["message"].startswith(message)
    assert "strategies/mine.py" in error["trace"]
    assert "done" in answer_of(warm, job())


def test_allocation_beyond_the_limit_is_a_memory_error_and_the_child_lives(start, job):
    child = start(memory_bytes=2 << 30)
    error = failed(child, job("kept = [np.empty(1 << 27) for _ in range(9)]"))  # nine times a gigabyte of addresses
    assert error["type"] in ("MemoryError", "_ArrayMemoryError")
    assert "llocate" in error["message"] or error["message"] == "MemoryError"
    assert "done" in answer_of(child, job())


def test_environment_holds_nothing_of_ours(start, job, monkeypatch):
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "ALGOTRADE_HOME",
        "DJANGO_SETTINGS_MODULE",
        "SECRET_KEY",
        "HOME",
        "TOKEN",
    ):
        monkeypatch.setenv(name, "planted-secret")
    error = failed(start(memory_bytes=8 << 30), job("raise ValueError(json.dumps(dict(os.environ)))"))
    environment = json.loads(error["message"])
    assert set(environment) == {
        "PATH", "LANG", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONUNBUFFERED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "JE_ARROW_MALLOC_CONF", "NUMBA_CACHE_DIR",
    }  # fmt: skip
    assert "planted-secret" not in str(environment)


def test_child_knows_no_django_no_database_and_no_open_file_of_ours(child, job, tmp_path):
    deed = """
        modules = [name for name in sys.modules if name.split(".")[0] in ("django", "channels", "django_q", "runs")]
        files = []
        for fd in os.listdir("/proc/self/fd"):
            try:
                files.append(os.readlink("/proc/self/fd/" + fd))
            except OSError:
                pass
        raise ValueError(json.dumps([modules, files, os.getcwd()]))
    """
    with (tmp_path / "secret.txt").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        modules, files, folder = json.loads(failed(child, job(deed))["message"])
    assert modules == []
    assert folder == "/"
    assert not any(word in name for name in files for word in ("secret.txt", "sqlite3", "socket"))


@pytest.mark.parametrize(
    "deed",
    [
        "print('to standard output')",
        "os.write(1, b'to standard output')",
        "sys.stdout.write('{\"done\": 1}\\n')",
        "os.close(1)",
        "sys.stdout.close()",
        "sys.stdout = None",
        "os.system('echo out of a shell')",
        "print('no line\\0end', end='', flush=True)",
    ],
)
def test_conversation_is_not_disturbed_by_what_a_strategy_does_to_standard_output(child, job, deed):
    messages = messages_of(child, job(f"if len(bars.close) == 7:\n    {deed}"))
    assert set(messages[-1]) == {"done"}
    assert messages[-1]["done"]["metrics"]["final_equity"] == 10_000.0


def test_strategy_that_reads_standard_input_finds_nothing_and_takes_no_stop(warm, job):
    assert failed(warm, job("raise ValueError(repr(sys.stdin.read()) + repr(os.read(0, 10)))"))["message"] == "''b''"


def test_what_a_strategy_prints_is_complete_when_its_last_word_comes(warm, job, monkeypatch):
    add = child_module._Log.add

    def slowly(log, chunk):
        time.sleep(0.05)
        add(log, chunk)

    monkeypatch.setattr(child_module._Log, "add", slowly)
    for _ in range(3):
        asked = job("if len(bars.close) == 300:\n    print('out')\n    print('err', file=sys.stderr)\n    1 / 0")
        assert failed(warm, asked)["type"] == "ZeroDivisionError"
        assert warm.log == "out\nerr\n"


def test_log_of_a_run_is_its_own(warm, job):
    answer_of(warm, job("if len(bars.close) == 5: print('first')"))
    assert warm.log == "first\n"
    answer_of(warm, job("if len(bars.close) == 5: print('second')"))
    assert warm.log == "second\n"


def test_long_log_keeps_its_beginning_and_its_end_and_counts_the_rest(warm, job):
    # 200,000 lines of 26 bytes: 5,200,000, of which 32,768 are kept at either end.
    deed = "if len(bars.close) == 300:\n    sys.stderr.write(''.join(f'line {n:019}.\\n' for n in range(200_000)))"
    answer_of(warm, job(deed))
    assert warm.log.startswith("line 0000000000000000000.\nline 0000000000000000001.\n")
    assert warm.log.endswith("line 0000000000000199999.\n")
    assert f"\n… {5_200_000 - LOG_BYTES:,} bytes left out …\n" in warm.log
    assert LOG_BYTES < len(warm.log) < LOG_BYTES + 100


def test_log_of_bytes_that_are_no_text_is_readable(warm, job):
    answer_of(warm, job("if len(bars.close) == 5: os.write(2, b'a\\xff\\0b')"))
    assert warm.log == "a\ufffd\ufffdb"


@pytest.mark.parametrize("junk", ["b'junk\\n'", "b'[1]\\n'", "b'7\\n'", "b'[' * 100_000 + b'\\n'", "b'\\xff\\n'"])
def test_strategy_that_writes_into_the_conversation_is_ended_and_told(child, job, junk):
    deed = f"for fd in range(3, 20):\n    try:\n        os.write(fd, {junk})\n    except OSError:\n        pass"
    error = ended(child, job(deed))
    assert error.returncode == -signal.SIGKILL
    assert "Not a message of the runner: b'" in error.log


def test_endless_message_is_ended_before_it_fills_the_memory(child, job, monkeypatch):
    monkeypatch.setattr(child_module, "LARGEST_MESSAGE", 1 << 20)
    deed = """
        pipes = [fd for fd in range(3, 20) if os.path.exists(f"/proc/self/fd/{fd}")
                 and "pipe" in os.readlink(f"/proc/self/fd/{fd}")]
        while True:
            for fd in pipes:
                try:
                    os.write(fd, b"x" * 10_000)
                except OSError:
                    pass
    """
    assert "Not a message of the runner: b'" in ended(child, job(deed)).log
    assert len(child._pending) < 2 << 20


def test_endless_loop_is_ended_by_kill_at_once(child, job, tmp_path):
    child.send(job(f"open({str(tmp_path / 'in')!r}, 'w').write('1\\n')\nwhile True: pass"))
    written(tmp_path / "in")
    child.stop()
    while message := child.receive(0.3):
        assert "stopped" not in message
    child.kill()
    assert not is_running(child.pid)
    with pytest.raises(ChildEnded, match="SIGKILL"):
        rest_of(child)


def test_what_a_strategy_forked_ends_with_the_child(child, job, tmp_path):
    deed = forking(tmp_path / "pids", "time.sleep(60)")
    child.send(job(deed))
    pids = written(tmp_path / "pids")
    assert all(map(is_running, pids))
    child.kill()
    wait_for(lambda: not any(map(is_running, pids)), 20, "end of what was forked")


@pytest.mark.parametrize("deed", ["os._exit(3)", "ctypes.string_at(0)"])
def test_end_of_the_child_is_seen_though_its_fork_holds_the_pipes(child, job, tmp_path, deed):
    forks = f"""
        forked = os.fork()
        if forked == 0:
            time.sleep(60)
            os._exit(0)
        with open({str(tmp_path / "pids")!r}, "w") as file:
            file.write(f"{{forked}}\\n")
        {deed}
    """
    child.send(job(forks))
    (forked,) = written(tmp_path / "pids")

    def end():
        try:
            child.receive(0.1)
        except ChildEnded as error:
            return error
        return None

    error = wait_for(end, 10, "news of the child's end")
    assert error.signal_name in ("exit status 3", "SIGSEGV")
    wait_for(lambda: not is_running(forked), 20, "end of the fork")


FORKS = """
import os, signal, subprocess, time

told = "echo $$ > {folder}/fork-$$; exec sleep 60"
if os.fork() == 0:
    os.setsid()
    os.execvp("sh", ["sh", "-c", told])
subprocess.Popen(["sh", "-c", told])
subprocess.Popen(["sh", "-c", told], start_new_session=True, env={{}})
subprocess.run(["sh", "-c", f"setsid sh -c '{{told}}' &"])
while len(os.listdir({folder!r})) < 4:
    time.sleep(0.01)
"""
"""What forks by every way there is: a fork, programs that were started, an orphan in a session of its own."""


def forks_in(folder):
    """Return code that forks, as a strategy may do, and a function that gives the ids of what it forked."""
    folder.mkdir()

    def forked():
        return [int(path.name.partition("-")[2]) for path in folder.glob("fork-*")]

    return FORKS.format(folder=str(folder)), forked


def test_whatever_a_strategy_forks_ends_with_the_child(child, job, tmp_path):
    code, forked = forks_in(tmp_path / "forks")
    child.send(job("time.sleep(60)", above=code))
    wait_for(lambda: len(forked()) == 4, 30, "forks")
    assert all(map(is_running, forked()))
    child.kill()
    assert not any(map(is_running, forked()))


def test_whatever_a_strategy_forks_ends_when_the_parent_is_killed(parent, tmp_path):
    code, forked = forks_in(tmp_path / "forks")
    (tmp_path / "mine.py").write_text(code + "time.sleep(60)\n")
    process, pid = parent(tmp_path)
    wait_for(lambda: len(forked()) == 4, 30, "forks")
    process.kill()
    wait_for(lambda: not any(map(is_running, [pid, *forked()])), 20, "end of the child and of what it forked")


@pytest.mark.parametrize("deed", ["os._exit(3)", "ctypes.string_at(0)"])
def test_whatever_a_strategy_forks_ends_when_it_ends_its_process(child, job, tmp_path, deed):
    code, forked = forks_in(tmp_path / "forks")
    assert ended(child, job(deed, above=code)).signal_name in ("exit status 3", "SIGSEGV")
    assert len(forked()) == 4
    assert not any(map(is_running, forked()))


def test_what_a_job_forked_ends_before_the_next_job(child, job, tmp_path):
    code, forked = forks_in(tmp_path / "forks")
    assert "done" in answer_of(child, job(above=code))
    assert all(map(is_running, forked()))
    assert child.end_forks()
    assert not any(map(is_running, forked()))
    assert "done" in answer_of(child, job())
    assert child.end_forks()


def test_child_that_is_gone_has_no_forks_to_end(child):
    child.kill()
    assert not child.end_forks()


@pytest.mark.parametrize("deed", ["os.kill(os.getppid(), signal.SIGKILL)", "os.killpg(0, signal.SIGKILL)"])
def test_strategy_that_kills_its_parent_kills_nobody_but_itself(child, job, deed):
    error = ended(child, job(f"{deed}\ntime.sleep(60)"))
    assert error.signal_name == "SIGKILL"


def test_strategy_that_kills_its_parent_ends_with_all_that_it_forked(child, job, tmp_path):
    deed = forking(tmp_path / "pids", "os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)")
    ended(child, job(deed))
    pids = written(tmp_path / "pids")
    wait_for(lambda: not any(map(is_running, pids)), 20, "end of what was forked")


def test_processor_time_of_a_job_is_limited_and_that_of_earlier_ones_does_not_count(start, job):
    child = start(cpu_seconds=2)
    spend = "began = time.process_time()\nwhile time.process_time() - began < 0.01: pass"  # 300 bars: 3 s
    error = ended(child, job(spend))
    assert error.signal_name == "SIGXCPU"
    child = start(cpu_seconds=30)
    for _ in range(2):
        assert "done" in answer_of(child, job("if len(bars.close) == 5: sum(range(10_000_000))"))


def test_thread_that_never_ends_does_not_hold_the_run_up_nor_the_childs_end(child, job):
    deed = "if len(bars.close) == 5: threading.Thread(target=threading.Event().wait).start()"
    assert "done" in answer_of(child, job(deed))
    assert "done" in answer_of(child, job())
    child.close()
    assert not is_running(child.pid)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_child_ends_with_its_parent_that_is_killed(parent, tmp_path, busy):
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'in')!r}, 'w').write('1\\n')\nwhile True: pass")
    process, pid = parent(*([tmp_path] if busy else []))
    if busy:
        written(tmp_path / "in")
    assert is_running(pid)
    process.kill()
    wait_for(lambda: not is_running(pid), 20, "end of the child")


def test_idle_child_ends_by_itself_when_its_input_closes(child):
    child._process.stdin.close()
    wait_for(lambda: not child.is_alive, 10, "end of the child")
    assert child._process.returncode == 0


def test_child_that_is_gone_is_told_whatever_is_asked_of_it(child, job):
    child.kill()
    child.kill()
    child.stop()
    with pytest.raises(ChildEnded, match="SIGKILL"):
        child.receive(1.0)
    child.close()
    child.stop()
    with pytest.raises(ChildEnded, match="SIGKILL"):
        child.send(job())


def test_receive_gives_up_after_its_time_and_loses_nothing(warm, job, tmp_path):
    gate = tmp_path / "gate"
    warm.send(job(f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"))
    messages = []
    while (message := warm.receive(0.4)) is not None or len(messages) < 2:
        messages += [message] if message else []
    gate.touch()
    messages += rest_of(warm)
    assert [message["phase"] for message in messages if "phase" in message] == [
        "loading_data",
        "running_backtest",
        "computing_metrics",
    ]


def test_children_leave_no_process_and_no_open_file_behind(start, job):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        child = start(memory_bytes=8 << 30)
        assert "done" in answer_of(child, job())
        child.close()
        assert not is_running(child.pid)
    wait_for(lambda: len(os.listdir("/proc/self/fd")) <= before, 20, "closing of pipes")


def test_child_of_a_folder_that_cannot_be_made_is_not_started(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Child(kernels=tmp_path / "file" / "kernels")


def test_text_that_no_database_takes_is_made_storable(child, job):
    error = failed(child, job("raise ValueError('null \\0, half \\ud800, whole \\U0001f600')"))
    assert error["message"] == "null \ufffd, half ?, whole \U0001f600"


def test_secret_that_a_strategy_finds_is_in_nothing_that_it_tells(child, job, tmp_path, monkeypatch):
    monkeypatch.setattr(scrubbing, "_known", scrubbing._Known(()))
    scrubbing.hide("Planted-4711-xyz")
    (tmp_path / "secret").write_text("Planted-4711-xyz")
    deed = f"""
        found = open({str(tmp_path / "secret")!r}).read()
        print(found, file=sys.stderr)
        raise ValueError(f"postgres://algo:whatever@db/rows {{found}}")
    """
    error = failed(child, job(deed))
    assert error["message"] == "postgres://algo:[hidden]@db/rows [hidden]"
    told = json.dumps(error) + child.log
    assert "Planted" not in told
    assert "whatever" not in told
    assert child.log == "[hidden]\n"


def test_secret_printed_before_the_end_is_not_in_the_log_of_the_end(child, job, tmp_path, monkeypatch):
    monkeypatch.setattr(scrubbing, "_known", scrubbing._Known(()))
    (tmp_path / "secret").write_text("Planted-4711-xyz")
    scrubbing.hide("Planted-4711-xyz")
    deed = f"print(open({str(tmp_path / 'secret')!r}).read(), file=sys.stderr)\nos._exit(3)"
    assert ended(child, job(deed)).log == "[hidden]\n"
