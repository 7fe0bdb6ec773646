"""Error panel of a failed run or trial: facts, and a traceback with the strategy's own line lit."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runs.display.figures import moment
from runs.models import Run, Trial


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a traceback: where, and the text of the line."""

    file: str
    line: int
    function: str
    code: str
    is_strategy: bool
    is_lit: bool = False


@dataclass(frozen=True, slots=True)
class FrameGroup:
    """Neighbouring frames of one kind: the strategy's are shown, the engine's are folded."""

    is_strategy: bool
    frames: list[Frame]


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """The error of a failed run or trial, ready to be shown.

    Attributes:
        type, message: of the exception.
        trace: the whole traceback as text, for copying.
        groups: the frames, if they are known; else the page shows `trace`.
        bar: the failing bar, counted from 0 at the run's first bar; None when the error belongs to no bar.
        time: open time of that bar.
        position: units of the asset at that bar, as text.
        parameters, indicators: value by name, as text.
        orders: texts of the pending orders.
    """

    type: str
    message: str
    trace: str
    groups: list[FrameGroup] = field(default_factory=list)
    bar: int | None = None
    time: datetime | None = None
    position: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    indicators: dict[str, str] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)

    @property
    def last(self) -> str:
        """Return how the traceback ends: type and message of the error that it is of."""
        place = self.trace.rfind(f"\n{self.type}")
        return self.trace[place + 1 :].rstrip() if place >= 0 else f"{self.type}: {self.message}"


def error_report(failed: Run | Trial) -> ErrorReport:
    """Return what is known of the error of a failed run or trial; whatever the detail lacks stays out."""
    detail = failed.error_detail or {}
    asked = failed.spec.get("parameters") if isinstance(failed, Run) else None
    return ErrorReport(
        type=failed.error_type or "Error",
        message=failed.error_message or "",
        trace=failed.error_stack_trace or "",
        groups=_groups(detail.get("frames") or []),
        bar=detail.get("bar"),
        time=_moment(detail.get("bar_time")),
        position=None if detail.get("position") is None else _shown(detail["position"]),
        parameters=_shown_all(detail.get("parameters") or asked),
        indicators=_shown_all(detail.get("indicators")),
        orders=[_order_text(order) for order in detail.get("pending_orders") or []],
    )


def own_line(failed: Run | Trial) -> str:
    """Return the line of the strategy's innermost frame, such as rsi_reversal.py:31; empty when there is none."""
    own = [frame for frame in (failed.error_detail or {}).get("frames") or [] if frame.get("is_strategy")]
    return f"{str(own[-1]['file']).rpartition('/')[2]}:{own[-1]['line']}" if own else ""


def _groups(frames: list[dict[str, Any]]) -> list[FrameGroup]:
    """Gather neighbouring frames of one kind; the innermost frame of the strategy is lit."""
    own = [index for index, frame in enumerate(frames) if frame.get("is_strategy")]
    groups: list[FrameGroup] = []
    for index, raw in enumerate(frames):
        frame = Frame(
            file=str(raw.get("file", "")),
            line=int(raw.get("line") or 0),
            function=str(raw.get("function", "")),
            code=str(raw.get("code") or "").strip(),
            is_strategy=bool(raw.get("is_strategy")),
            is_lit=bool(own) and index == own[-1],
        )
        if groups and groups[-1].is_strategy == frame.is_strategy:
            groups[-1].frames.append(frame)
        else:
            groups.append(FrameGroup(frame.is_strategy, [frame]))
    return groups


def _moment(value: Any) -> datetime | None:
    """Return a time stored as int64 ns or as ISO text."""
    if isinstance(value, int):
        return moment(value)
    if isinstance(value, str) and value:
        return datetime.fromisoformat(value)
    return None


def _shown(value: Any) -> str:
    """Return a value of the detail as text: numbers without a float's noise, nothing as a dash."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")


def _shown_all(values: Any) -> dict[str, str]:
    return {str(name): _shown(value) for name, value in (values or {}).items()}


def _order_text(order: Any) -> str:
    """Return a pending order as people say it: buy 100% of equity, market, given at bar 4,100."""
    if not isinstance(order, dict):
        return str(order)
    size, kind = order.get("size"), str(order.get("size_kind", ""))
    words = {
        "all": "all",
        "equity_fraction": f"{size * 100:.6g}% of equity" if isinstance(size, int | float) else "a share of equity",
        "quantity": f"{_shown(size)} units",
        "quote": f"{_shown(size)} in money",
    }
    what = f"{order.get('verb', '')} {words.get(kind, f'{_shown(size)} {kind}')}".strip()
    return f"{what}, {order.get('kind', '')}, given at bar {_shown(order.get('bar'))}"
