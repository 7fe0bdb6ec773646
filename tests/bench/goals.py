"""One line a goal: name, figure, target, met or not met."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that was measured, and what it should be.

    Attributes:
        name: what was measured.
        figure: the measurement, in `unit`; None when it could not be taken.
        target: what it should be at least or at most; None for a figure that is only told.
        is_at_least: whether more is better.
        unit: of figure and target, put behind them.
        note: how it came about, or why it was skipped.
    """

    name: str
    figure: float | None
    target: float | None = None
    is_at_least: bool = True
    unit: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return met, not met, skipped, or nothing when there is no target."""
        if self.figure is None:
            return "skipped"
        if self.target is None:
            return ""
        is_met = self.figure >= self.target if self.is_at_least else self.figure <= self.target
        return "met" if is_met else "not met"

    def line(self) -> str:
        """Return the goal as people read it."""
        shown = "—" if self.figure is None else f"{_digits(self.figure)}{self.unit}"
        wanted = ""
        if self.target is not None:
            wanted = f"{'>=' if self.is_at_least else '<='} {_digits(self.target)}{self.unit}"
        return f"{self.name:<52} {shown:>14}  {wanted:<14} {self.verdict:<8} {self.note}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return the goal as JSON types."""
        return {**asdict(self), "verdict": self.verdict}


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
