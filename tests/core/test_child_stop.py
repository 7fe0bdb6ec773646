"""A job is stopped at the end of its stride, from whichever thread, and the child takes the next one."""

import threading
from pathlib import Path

from tests.core.conftest import answer_of, rest_of, written


def test_stop_ends_the_job_at_the_end_of_the_stride_and_the_child_takes_the_next(warm, job, tmp_path):
    asked = job(f"open({str(tmp_path / 'in')!r}, 'w').write('1\\n')\ntime.sleep(0.01)")
    warm.send(asked)
    written(tmp_path / "in")
    warm.stop()
    messages = rest_of(warm)
    assert messages[-1] == {"stopped": True}
    assert all(message.get("processed", 0) < 300 for message in messages)
    assert not Path(asked["out"]).exists()
    assert "done" in answer_of(warm, job())


def test_stop_from_another_thread_is_heard(warm, job, tmp_path):
    warm.send(job(f"open({str(tmp_path / 'in')!r}, 'w').write('1\\n')\ntime.sleep(0.01)"))
    written(tmp_path / "in")
    other = threading.Thread(target=warm.stop)
    other.start()
    other.join()
    assert rest_of(warm)[-1] == {"stopped": True}


def test_stop_that_comes_after_the_end_stops_nothing(warm, job):
    assert "done" in answer_of(warm, job())
    warm.stop()
    warm.stop()
    assert "done" in answer_of(warm, job())
