"""The data of an optimization's charts, and its exports."""

import csv
import io
import json
import uuid

import pytest

from algotrade.metrics.vector import METRIC_KEYS
from runs.display import spreadsheets
from runs.optimizations.trials import trials_page
from runs.views import optimization_data
from tests.builders import make_run
from tests.runs.clients import browser, csv_text
from tests.runs.trials import add_trials, make_optimization, make_trial, sharpes

pytestmark = pytest.mark.django_db


def get(run, rest, **query):
    return browser().get(f"/optimizations/{run.id}/{rest}", query)


def test_objective_data_has_the_trials_and_the_best_so_far():
    run = sharpes(make_optimization(), [1.0, None, 0.5, 2.5], rev=4)
    assert get(run, "objective.json").json() == {
        "rev": 4, "total": 16, "number": [0, 2, 3], "value": [1.0, 0.5, 2.5], "best": [[0, 1.0], [3, 2.5]],
    }  # fmt: skip


def test_grid_has_a_state_for_every_cell_and_the_best_of_its_trials():
    # Trials by number: fast 5 with slow 10, 20, 30 (long, both each), then fast 10 with slow 20, 30, and so on.
    run = sharpes(make_optimization(), [1.0, 3.0, None, None, -1.0])
    body = get(run, "grid.json").json()
    assert (body["x"], body["y"]) == (
        {"name": "fast", "values": [5, 10, 15, 20]},
        {"name": "slow", "values": [10, 20, 30]},
    )
    assert body["cells"] == [[3.0, None, None, None], [None] * 4, [-1.0, None, None, None]]
    assert body["state"] == [[1, 2, 2, 2], [3, 0, 0, 2], [1, 0, 0, 0]]
    assert body["trial"][0][0] == 1
    assert (body["best"], body["over"], body["objective"], body["label"]) == ([0, 0], ["side"], True, "Sharpe ratio")


def test_grid_of_the_objective_shows_only_what_the_table_ranks():
    run = make_optimization()
    trials = [make_trial(run, 0, {"sharpe_ratio": 9.0}, is_eligible=False), make_trial(run, 1, {"sharpe_ratio": 1.0})]
    add_trials(run, trials)
    assert get(run, "grid.json").json()["cells"][0][0] == trials_page(run).rows[0].metrics["sharpe_ratio"] == 1.0


def test_grid_of_another_metric_axes_and_means():
    run = sharpes(make_optimization(), [1.0, 3.0, 2.0])
    body = get(run, "grid.json", x="side", y="slow", metric="trades", agg="mean").json()
    assert body["cells"] == [[0.0, 10.0], [20.0, None], [None, None]]
    assert (body["metric"], body["unit"], body["objective"], body["over"]) == ("trades", "count", False, ["fast"])


def test_grid_of_an_axis_with_many_values_is_binned():
    run = sharpes(make_optimization(spec={"axes": [["fast", list(range(2, 303))]], "rules": []}), [1.0, 2.0, 3.0, 4.0])
    body = get(run, "grid.json").json()
    assert body["x"]["values"] == list(range(2, 303, 3))  # 301 values: 3 a cell
    assert body["y"] == {"name": "", "values": [""]}
    assert body["cells"][0][:3] == [3.0, 4.0, None]


@pytest.mark.parametrize(
    "query", [{"x": "none"}, {"x": "fast", "y": "fast"}, {"metric": "luck"}, {"agg": "sum"}, {"y": "a.b"}]
)
def test_grid_of_what_is_not_there_is_400(query):
    response = get(make_optimization(), "grid.json", **query)
    assert (response.status_code, set(response.json())) == (400, {"error", "fields"})


def test_slices_have_best_median_and_worst_by_value():
    run = sharpes(make_optimization(), [1.0, 3.0, 2.0])
    body = get(run, "slices.json").json()
    assert [one["name"] for one in body["slices"]] == ["fast", "slow", "side"]
    slow = body["slices"][1]
    assert (slow["best"], slow["median"], slow["worst"]) == ([3.0, 2.0, None], [2.0, 2.0, None], [1.0, 2.0, None])
    assert slow["count"] == [2, 1, 0]


def test_parallels_are_lines_of_varied_values_and_the_objective():
    run = sharpes(make_optimization(), [1.0, None, 2.5])
    body = get(run, "parallel.json").json()
    assert body["lines"] == [[5, 20, "long", 2.5], [5, 10, "long", 1.0]]
    assert body["axes"][0] == {"name": "fast", "kind": "number", "min": 5.0, "max": 20.0}
    assert body["axes"][2] == {"name": "side", "kind": "choice", "values": ["long", "both"]}
    assert (body["number"], body["caption"]) == ([2, 0], "All 2 trials")


@pytest.mark.parametrize(
    "rest", ["objective.json", "grid.json", "slices.json", "parallel.json", "trials.csv", "trials.json"]
)
def test_data_of_a_run_without_trials_is_empty_and_of_no_optimization_404(rest):
    assert get(make_optimization(), rest).status_code == 200
    assert get(make_run(), rest).status_code == 404
    assert browser().get(f"/optimizations/{uuid.uuid4()}/{rest}").status_code == 404
    assert browser().post(f"/optimizations/{make_optimization().id}/{rest}").status_code == 405


def rows_of(response):
    return list(csv.DictReader(io.StringIO(csv_text(response))))


def test_csv_has_the_trials_in_their_order_with_every_metric(monkeypatch):
    monkeypatch.setattr(optimization_data, "ROWS_AT_ONCE", 2)
    run = sharpes(make_optimization(), [1.0, None, -2.5, 0.5])
    response = get(run, "trials.csv", sort="-sharpe_ratio", q="number != 4")
    assert response["Content-Disposition"] == f'attachment; filename="optimization-{run.number}-trials.csv"'
    rows = rows_of(response)
    assert [(row["number"], row["status"], row["sharpe_ratio"]) for row in rows] == [
        ("1", "completed", "1.0"), ("3", "completed", "-2.5"), ("2", "failed", ""),
    ]  # fmt: skip
    assert (rows[0]["fast"], rows[0]["side"], rows[0]["long.trades"]) == ("5", "long", "")


def test_csv_has_each_metric_in_its_column():
    run = make_optimization()
    add_trials(run, [make_trial(run, 0, {key: float(place) for place, key in enumerate(METRIC_KEYS)})])
    (row,) = rows_of(get(run, "trials.csv"))
    assert {key: float(row[key]) for key in METRIC_KEYS} == {key: place for place, key in enumerate(METRIC_KEYS)}
    assert (row["trades"].isdecimal(), row["sharpe_ratio"].isdecimal()) == (True, False)


def test_csv_has_no_value_of_a_metric_that_came_after_the_trial():
    run = make_optimization()
    trial = make_trial(run, 0, dict.fromkeys(METRIC_KEYS, 1.0))
    trial.metrics = trial.metrics[:-8]
    add_trials(run, [trial, make_trial(run, 1, dict.fromkeys(METRIC_KEYS, 2.0))])
    rows = {row["number"]: row for row in rows_of(get(run, "trials.csv"))}
    assert [rows["1"][key] for key in METRIC_KEYS[-2:]] == ["1.0", ""]
    assert float(rows["2"][METRIC_KEYS[-1]]) == 2.0


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_csv_text_is_no_formula(text):
    run = make_optimization()
    add_trials(run, [make_trial(run, 0, error_message=text)])
    assert rows_of(get(run, "trials.csv"))[0]["error_message"] == f"'{text}"


def test_json_export_is_the_trials_as_the_api_has_them():
    run = sharpes(make_optimization(), [1.0, None, 2.5])
    body = json.loads(b"".join(get(run, "trials.json").streaming_content))
    items = browser().get(f"/api/optimizations/{run.id}/trials").json()["items"]
    assert (body["items"], body["total"]) == (items, 3)


@pytest.mark.parametrize("rest", ["trials.csv", "trials.json"])
def test_export_with_a_broken_filter_is_a_message(rest):
    response = get(make_optimization(), rest, q="sharpe >")
    assert (response.status_code, list(response.json()["fields"])) == (400, ["q"])


@pytest.mark.asyncio
async def test_export_does_not_hold_up_a_server_that_waits_for_nobody():
    assert [part async for part in spreadsheets._awaited(iter(["a", "b"]))] == ["a", "b"]
