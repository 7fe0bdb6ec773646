"""The job that tells what a strategy says of itself."""

from algotrade.ports import Json
from algotrade.runner.sources import forget, load_strategy, trace_of


def describe(job: Json) -> Json:
    """Answer what a strategy says of itself, or why it does not import."""
    from algotrade.strategies.base import description_of

    try:
        return description_of(load_strategy(job))
    except BaseException as error:  # noqa: BLE001 - a file may raise SystemExit or worse: it is told like any error
        return {"error": f"{type(error).__name__}: {error}\n{trace_of(error, job['source'])}"}
    finally:
        forget(job["source"])
