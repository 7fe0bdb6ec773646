"""Reads the fields of a request, one after the other, and collects what is wrong with them."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from algotrade.text_values import to_flag, to_number


class Reader:
    """Reads one field after the other and collects what is wrong."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.errors: dict[str, str] = {}

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        """Note every field that is not known."""
        for name in self.request:
            if name not in known:
                self.errors[str(name)[:100]] = f"Unknown field {str(name)[:100]!r}. Known: {', '.join(known)}."

    def raw(self, name: str) -> Any:
        """Return what the request says, None for a blank."""
        value = self.request.get(name)
        return None if isinstance(value, str) and not value.strip() else value

    def text(self, name: str) -> str | None:
        """Return a required text; None notes why not."""
        value = self.raw(name)
        if value is None:
            self.errors[name] = "This field is required."
        elif not isinstance(value, str):
            self.errors[name] = f"Must be a text; it is {shown(value)}."
        else:
            return value.strip()
        return None

    def number(self, name: str, default: float, accepts: Callable[[float], bool], allowed: str) -> float:
        """Return a finite number that `accepts` takes; `allowed` says in words which those are."""
        value = self.raw(name)
        if value is None:
            return default
        number = to_float(value)
        if number is None or not accepts(number):
            self.errors[name] = f"Must be {allowed}; it is {shown(value)}."
            return default
        return number + 0.0  # -0.0 and 0.0 are one submission

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = self.raw(name)
        if value is None:
            return default
        flag = to_flag(value)
        if flag is not None:
            return flag
        self.errors[name] = f"Must be true or false; it is {shown(value)}."
        return default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of `choices`."""
        value = self.raw(name)
        if value is None:
            return default
        if value in choices:
            return str(value)
        self.errors[name] = f"Must be one of {', '.join(choices)}; it is {shown(value)}."
        return default


def to_float(value: object) -> float | None:
    """Return a finite float for a number or a text that is one as people type it, else None."""
    if isinstance(value, str):
        return to_number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def shown(value: object) -> str:
    """Return a value as messages show it, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
