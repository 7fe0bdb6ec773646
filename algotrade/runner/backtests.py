"""The job that runs one backtest and writes its arrays."""

from pathlib import Path

from algotrade.errors import RunCancelled
from algotrade.ports import Json
from algotrade.runner.pipe import Pipe, PipeSink
from algotrade.runner.sources import failure, forget, load_strategy


def backtest(job: Json, pipe: Pipe) -> Json:
    """Run one backtest and write its arrays; answer metrics, or what went wrong."""
    sink = PipeSink(pipe)
    try:
        return {"done": _run(job, sink)}
    except RunCancelled:
        return {"stopped": True}
    except BaseException as error:  # noqa: BLE001 - SystemExit of a strategy is a failed run, not a lost worker
        sink.tell_withheld()
        return {"failed": failure(error, job, job["spec"]["parameters"])}


def _run(job: Json, sink: PipeSink) -> Json:
    from algotrade.charts.panes import panes
    from algotrade.engine.backtest import run_backtest
    from algotrade.market.instruments import Instrument
    from algotrade.market.store import CandleStore
    from algotrade.metrics import compute_metrics
    from algotrade.spec import BacktestSpec, RunInputs

    sink.phase("loading_data")
    spec, inputs = BacktestSpec.from_dict(job["spec"]), RunInputs.from_dict(job["inputs"])
    store = CandleStore(Path(job["store"]))
    dataset = store.get(spec.asset, spec.exchange, spec.timeframe, version=inputs.dataset_hash)
    bars = store.load(dataset)
    first, last = bars.between(spec.start_ns, spec.end_ns)
    sink.watch(bars.time[first:last], bars.close[first:last], spec.initial_cash)
    strategy = None
    try:
        strategy = load_strategy(job)
        result = run_backtest(
            strategy,
            spec,
            bars,
            Instrument(asset=spec.asset, exchange=spec.exchange, **inputs.instrument),
            cache_dir=Path(job["kernels"]),
            sink=sink,
            source_hash=inputs.source_hash,
        )
    finally:
        if strategy is None or not strategy.compiled:  # what its on_bar counted or kept must not reach the next run
            forget(job["source"])
    sink.phase("computing_metrics")
    report = compute_metrics(
        result,
        initial_cash=spec.initial_cash,
        days_per_year=dataset.days_per_year,
        risk_free_rate=spec.risk_free_rate,
        asset=spec.asset,
        currency=str(inputs.instrument["currency"]),
    )
    out = Path(job["out"])
    out.mkdir(parents=True)
    result.save(out)
    return {
        "metrics": report.values,
        "reasons": report.reasons,
        "findings": list(report.findings),
        "panes": panes(result.indicators, result.close, strategy.panes),
        "average_held_seconds": result.average_held_seconds,
    }
