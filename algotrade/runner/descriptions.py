"""The job that tells what a strategy says of itself."""

from algotrade.ports import Json
from algotrade.runner.sources import forget, load_strategy, trace_of


def describe(job: Json) -> Json:
    """Answer what a strategy says of itself, or why it does not import."""
    from algotrade.strategies.base import parameters_of

    try:
        cls = load_strategy(job)
        return {
            "title": str(getattr(cls, "title", "") or ""),
            "doc": (cls.__doc__ or "").strip(),
            "params": [param.to_dict() for param in parameters_of(cls)],
            "rules": [str(rule) for rule in cls.rules],
            "compiled": bool(cls.compiled),
        }
    except BaseException as error:  # noqa: BLE001 - a file may raise SystemExit or worse: it is told like any error
        return {"error": f"{type(error).__name__}: {error}\n{trace_of(error, job['source'])}"}
    finally:
        forget(job["source"])
