"""Filters that show a Figure: the right number format for its unit, and the class for its sign."""

from collections.abc import Callable
from typing import Any

from django import template

from runs.display.figures import Figure, value_text
from runs.templatetags import numbers

register = template.Library()


def _plain(value: Any) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def _days(days: float) -> str:
    return numbers.duration(days * 86_400) if 0 < days < 2 else f"{days:,.0f} days"


def _signed_or_not(figure: Figure, signed: Callable[[Any], str], unsigned: Callable[[Any], str]) -> str:
    return signed(figure.value) if figure.is_signed else unsigned(figure.value)


_FORMATS: dict[str, Callable[[Figure], str]] = {
    "fraction": lambda figure: _signed_or_not(figure, numbers.signed_percent, numbers.percent),
    "percent": lambda figure: f"{figure.value * 100:.3f}%",
    "share": lambda figure: f"{figure.value * 100:.6g}%",
    "ratio": lambda figure: numbers.ratio(figure.value),
    "difference": lambda figure: numbers.signed(figure.value),
    "money": lambda figure: _signed_or_not(figure, numbers.signed_money, numbers.money),
    "count": lambda figure: numbers.count(figure.value),
    "days": lambda figure: _days(figure.value),
    "seconds": lambda figure: numbers.duration(figure.value),
    "bars": lambda figure: f"{figure.value:,.1f}",
    "day": lambda figure: numbers.day(figure.value),
    "value": lambda figure: value_text(figure.value),
    "flag": lambda figure: "yes" if figure.value else "no",
    "plain": lambda figure: _plain(figure.value),
    "code": lambda figure: _plain(figure.value),
    "text": lambda figure: str(figure.value),
}


@register.filter
def shown(figure: Figure | None) -> str:
    """Return a figure's value in the format of its unit; a missing figure or value is a dash."""
    if figure is None or figure.value is None:
        return "—"
    text = _FORMATS[figure.unit](figure)
    return f"{text} {figure.currency}" if figure.currency else text


COLOURED = ("fraction", "money", "difference")
"""Units whose sign is a gain or a loss; a negative ratio says so itself."""


@register.filter
def tone(figure: Figure | None) -> str:
    """Return the class for the sign of a signed result: pos, neg or nothing."""
    if figure is None or not figure.value or figure.unit not in COLOURED:
        return ""
    if not (figure.is_signed and figure.is_coloured):
        return ""
    return "pos" if figure.value > 0 else "neg"
