"""The document describes what routes answer: each kind its own bodies, each row its own fields."""

import pytest

from runs.models import RunState
from tests.builders import make_download
from tests.runs.pages import make_completed
from tests.runs.trials import make_optimization, sharpes


@pytest.fixture
def runs(site, user):
    """A run of each kind, by the beginning of its addresses."""
    optimization = sharpes(make_optimization(RunState.COMPLETED, user=user), [1.0, None])
    made = (make_completed(user=user), optimization, make_download(user=user))
    return {f"/api/{run.kind}s": run for run in made}


@pytest.fixture
def document(site):
    return site.get("/api/openapi.json").json()


def fields_of(document, path):
    """Return the fields that the document names: of a body, and of the items of a list."""
    schemas = document["components"]["schemas"]

    def read(schema):
        properties = schemas[schema["$ref"].rsplit("/", 1)[-1]]["properties"]
        items = properties.get("items", {}).get("items")
        return set(properties), set() if items is None else read(items)[0]

    answer = document["paths"][path]["get"]["responses"]["200"]
    return read(answer["content"]["application/json"]["schema"])


@pytest.mark.parametrize(
    "path",
    [
        *[
            f"/api/{kind}/{rest}"
            for kind in ("backtests", "optimizations", "downloads")
            for rest in ("", "{run_id}", "{run_id}/status")
        ],
        "/api/backtests/{run_id}/trades", "/api/backtests/{run_id}/orders",
        "/api/optimizations/{run_id}/trials", "/api/optimizations/{run_id}/failures",
        "/api/datasets/", "/api/strategies/",
    ],
)  # fmt: skip
def test_answer_has_the_fields_that_are_described(site, runs, document, path):
    run = runs.get("/".join(path.split("/")[:3]))
    body = site.get(path.replace("{run_id}", str(run.id)) if run else path).json()
    items = body.get("items") or [{}]
    assert fields_of(document, path) == (set(body), set(items[0]))
