"""Bodies as the OpenAPI document describes them. They document; `resolve` validates, `bodies` makes."""

from typing import Any, Literal

from ninja import Field, Schema

from runs.models.note import LONGEST_NOTES, LONGEST_TITLE, MOST_TAGS

Status = Literal["pending", "running", "completed", "failed", "cancelled"]
ParameterValue = bool | int | float | str


class ErrorBody(Schema):
    """Any answer of 400 and above."""

    error: str = Field(description="What is wrong, for people.")
    fields: dict[str, str] = Field(description="Message by field; nested fields are dotted (parameters.fast).")


ERRORS: dict[Any, Any] = {frozenset({400, 401, 403, 404, 409, 413, 429, 503}): ErrorBody}
"""What routes may answer besides. The framework makes a model for each status of each route: all of HTTP took 0.3 s."""


class SizingBody(Schema):
    """How large an order is when the strategy does not say."""

    kind: Literal["equity_fraction", "quantity", "quote"] = "equity_fraction"
    value: float = 1.0


class AccountBody(Schema):
    """What every submission of a strategy says: which one, on which candles, with what account."""

    strategy_name: str
    asset: str
    exchange: str
    timeframe: str
    start: str | None = Field(None, description="First bar, ISO 8601 UTC, inclusive; the dataset's first by default.")
    end: str | None = Field(None, description="Last bar, ISO 8601 UTC, inclusive; the dataset's last by default.")
    initial_cash: float = Field(10_000.0, description="Account currency.")
    commission: float = Field(0.0, description="Fraction of notional per fill.")
    fixed_fee: float = Field(0.0, description="Account currency per fill.")
    slippage_ticks: float = Field(0.0, description="Adverse ticks per market or stop fill.")
    slippage_frac: float = Field(0.0, description="Adverse fraction of the price per market or stop fill.")
    fill: Literal["next_open", "this_close"] = "next_open"
    sizing: SizingBody = SizingBody()
    margin_ratio: float = Field(1.0, description="Fraction of a short's notional that is reserved.")
    close_at_end: bool = False
    risk_free_rate: float = Field(0.0, description="Annual fraction.")


class SpecBody(AccountBody):
    """What to run. `GET` gives it back complete; posted again it means the same."""

    parameters: dict[str, ParameterValue] = Field({}, description="By name; an omitted one takes its default.")


class WordsBody(Schema):
    """What people write about a run. What is left out stays as it is; an empty text or list takes it away."""

    title: str = Field("", max_length=LONGEST_TITLE, description="One line.")
    notes: str = Field("", max_length=LONGEST_NOTES)
    tags: list[str] = Field([], description=f"At most {MOST_TAGS}, of letters and digits with . + / - _ between them.")


class SubmittedRun(Schema):
    """A submission that was taken, whatever it is counted in."""

    id: str
    number: int = Field(description='What people say: "Backtest 1207".')
    status: Status
    is_dedup: bool = Field(description="Whether the identical run was active already; then this is that one.")
    identical_to: str | None = Field(description="Id of an identical run that completed before.")


class Submitted(SubmittedRun):
    """A submission that was taken."""

    total_bars: int


class RunStanding(Schema):
    """How a run of any kind stands."""

    id: str
    number: int
    status: Status
    rev: int = Field(description="Rises with every change; an answer with a lower one is older.")
    attempt: int
    phase: str
    queue_position: int | None
    rate: float | None = Field(description="Bars, or trials, per second.")
    eta_seconds: float | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    error_message: str | None


class Standing(RunStanding):
    """How a run that counts bars stands."""

    processed_bars: int
    total_bars: int


class ResultBody(Schema):
    """What a completed backtest gave."""

    spec: SpecBody
    metrics: dict[str, float | None] = Field(description="Fractions, not percent; long. and short. for the sides.")
    reasons: dict[str, str] = Field(description="Why a metric is undefined, by its key.")
    findings: list[Any]
    trades_url: str
    equity_url: str
    orders_url: str


class StatusBody(Standing):
    """How a run stands, with its curve and result."""

    equity: list[list[Any]] = Field(description="[time, equity] pairs, at most a few hundred.")
    error_stack_trace: str | None
    result: ResultBody | None


class ItemBody(Standing):
    """A run in a list."""

    title: str = Field(description="What somebody called the run; empty when nobody did.")
    notes: str
    tags: list[str]
    spec: SpecBody
    metrics: dict[str, float | None] | None = Field(description="Headline metrics; null unless completed.")


class DetailBody(ItemBody):
    """Everything about a run but its tables and series."""

    run_key: str
    inputs: dict[str, Any]
    notice: str | None
    error_type: str | None
    error_stack_trace: str | None
    error_detail: dict[str, Any] | None
    log: str | None
    result: ResultBody | None


class Page(Schema):
    """One page of a list."""

    total: int
    limit: int
    offset: int
    has_more: bool


class ItemPage(Page):
    """One page of backtests, the newest first."""

    items: list[ItemBody]


class RowPage(Page):
    """One page of trades or orders."""

    items: list[dict[str, Any]]


class Cancelled(Schema):
    """A run that was cancelled."""

    id: str
    status: Literal["cancelled"]


class SeriesBody(Schema):
    """Columns of equal length."""

    time: list[str]
    equity: list[float]
    hold: list[float]
    drawdown: list[float]


class Indicator(Schema):
    """One of the strategy's indicators, as it saw them."""

    name: str
    pane: str = Field(description="price: upon the candles; any other text names a pane below them.")
    values: list[float | None] = Field(description="At each candle's close; null where it is not ready.")


class Markers(Schema):
    """Entries and exits; columns of equal length."""

    candle: list[int] = Field(description="Place in the columns of candles.")
    kind: list[Literal["entry", "exit", "several"]] = Field(description="several: two entries or exits or more.")
    side: list[Literal["long", "short"]]
    trade: list[int] = Field(description="Number from 1; of several the lowest.")
    trades: list[int]
    return_: list[float | None] = Field(alias="return", description="Of an exit's trade, fraction of its cost.")


class CandlesBody(Schema):
    """Candles, columns of equal length, and what belongs upon them."""

    time: list[str]
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


class RowList(Schema):
    """A whole list."""

    items: list[dict[str, Any]]
    total: int
