"""Bodies of backtests: what is submitted, a run of them, and its series. Rows of its tables: `rows`."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field, create_model

from algotrade.account import ACCOUNT_FIELDS, AccountField
from algotrade.ports import Json
from algotrade.spec import BacktestSpec
from runs.display.schemas import BarsStanding, Metrics, NoteFields, RunDetail, headlines_of, trace_of
from runs.display.times import iso_ns, iso_seconds
from runs.models import Run, RunState

ParameterValue = bool | int | float | str


class SizingBody(BaseModel):
    """How large an order is when the strategy does not say."""

    kind: Literal["equity_fraction", "quantity", "quote"] = "equity_fraction"
    value: float = 1.0


class SubjectBody(BaseModel):
    """What every submission says of the strategy and its candles."""

    strategy_name: str
    asset: str
    exchange: str
    timeframe: str
    start: str | None = Field(None, description="First bar, ISO 8601 UTC, inclusive; the dataset's first by default.")
    end: str | None = Field(None, description="Last bar, ISO 8601 UTC, inclusive; the dataset's last by default.")


def _described(declared: AccountField) -> tuple[Any, Any]:
    """Return type and default of a field of the account."""
    default = SizingBody() if declared.kind == "sizing" else declared.default
    kinds: dict[str, Any] = {
        "number": float,
        "flag": bool,
        "sizing": SizingBody,
        "choice": Literal.__getitem__(tuple(value for value, _ in declared.choices) or ("",)),
    }
    return kinds[declared.kind], Field(default, description=declared.description or None)


_account: dict[str, Any] = {declared.name: _described(declared) for declared in ACCOUNT_FIELDS}
AccountBody: Any = create_model(
    "AccountBody",
    __base__=SubjectBody,
    __doc__="What every submission of a strategy says: which one, on which candles, with what account.",
    **_account,
)


class SpecBody(AccountBody):
    """What to run. `GET` gives it back complete; posted again it means the same."""

    parameters: dict[str, ParameterValue] = Field({}, description="By name; an omitted one takes its default.")

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the spec of a run."""
        spec = BacktestSpec.from_dict(run.spec)  # a stored one may be older than a field of the account
        return cls(**{**spec.to_dict(), "start": iso_ns(spec.start_ns), "end": iso_ns(spec.end_ns)})


class BacktestOutcome(BaseModel):
    """What a completed backtest gave."""

    spec: SpecBody
    metrics: Metrics = Field(description="Fractions, not percent; long. and short. for the sides.")
    reasons: dict[str, str] = Field(description="Why a metric is undefined, by its key.")
    findings: list[Any]
    trades_url: str
    equity_url: str
    orders_url: str

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Return a run's result; None unless it completed."""
        if run.state != RunState.COMPLETED or run.result is None:
            return None
        base = f"/api/backtests/{run.id}"
        return cls(
            spec=SpecBody.of(run),
            metrics=run.result.get("metrics", {}),
            reasons=run.result.get("reasons", {}),
            findings=run.result.get("findings", []),
            trades_url=f"{base}/trades",
            equity_url=f"{base}/equity",
            orders_url=f"{base}/orders",
        )


class BacktestStatus(BarsStanding):
    """How a backtest stands, with its curve and result."""

    equity: list[tuple[str, int | float]] = Field(description="[time, equity] pairs, at most a few hundred.")
    error_stack_trace: str | None
    result: BacktestOutcome | None

    @classmethod
    def of(cls, run: Run) -> Self:
        curve = (run.live or {}).get("curve") or {}
        points = zip(curve.get("time", ()), curve.get("equity", ()), strict=False)
        return cls(
            **vars(BarsStanding.of(run)),
            equity=[(iso_seconds(at), value) for at, value in points],
            error_stack_trace=trace_of(run),
            result=BacktestOutcome.of(run),
        )


class BacktestItem(NoteFields, BarsStanding):
    """A backtest in a list."""

    spec: SpecBody
    metrics: Metrics | None = Field(description="Headline metrics; null unless completed.")

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(
            **vars(BarsStanding.of(run)),
            **vars(NoteFields.of(run)),
            spec=SpecBody.of(run),
            metrics=headlines_of(run) if run.state == RunState.COMPLETED else None,
        )


class BacktestDetail(RunDetail, BacktestItem):
    """Everything about a backtest but its tables and series."""

    log: str | None
    result: BacktestOutcome | None

    @classmethod
    def of(cls, run: Run) -> Self:
        detail = RunDetail.of(run)
        facts = dict(detail.error_detail or {})
        log = facts.pop("log", None) or (run.result or {}).get("log") or None
        if "bar_time" in facts:
            facts["bar_time"] = iso_ns(facts["bar_time"])
        detail.error_detail = facts or None
        return cls(**vars(BacktestItem.of(run)), **vars(detail), log=log, result=BacktestOutcome.of(run))


class Columns(BaseModel):
    """Columns of equal length."""

    time: list[str]

    @classmethod
    def of(cls, series: Json) -> Self:
        """Return what `equity_series` or `price_series` made, with times as the API tells them."""
        return cls(**{**series, "time": [iso_seconds(at) for at in series["time"]]})


class SeriesBody(Columns):
    """Columns of equal length."""

    equity: list[float]
    hold: list[float]
    drawdown: list[float]


class Indicator(BaseModel):
    """One of the strategy's indicators, as it saw them."""

    name: str
    pane: str = Field(description="price: upon the candles; any other text names a pane below them.")
    values: list[float | None] = Field(description="At each candle's close; null where it is not ready.")


class Markers(BaseModel):
    """Entries and exits; columns of equal length."""

    candle: list[int] = Field(description="Place in the columns of candles.")
    kind: list[Literal["entry", "exit", "several"]] = Field(description="several: two entries or exits or more.")
    side: list[Literal["long", "short"]]
    trade: list[int] = Field(description="Number from 1; of several the lowest.")
    trades: list[int]
    return_: list[float | None] = Field(alias="return", description="Of an exit's trade, fraction of its cost.")


class CandlesBody(Columns):
    """Candles, columns of equal length, and what belongs upon them."""

    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    first_bar: int = Field(description="Bar of the range with which the first candle begins, from 0.")
    bars_per_candle: int
    n_bars: int = Field(description="Bars of the whole range.")
    indicators: list[Indicator]
    markers: Markers | None = Field(description="Null unless completed.")
    ended_bar: int | None = Field(description="Bar at which the run failed or was cancelled.")
