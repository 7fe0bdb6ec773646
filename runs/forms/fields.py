"""One input of a form, and the words in which its choices and bounds are told."""

from dataclasses import dataclass

from algotrade.market.store import Dataset
from algotrade.strategies.base import Param
from runs.typed import as_text


@dataclass(frozen=True, slots=True)
class FormField:
    """One input as the template draws it; `kind` names the control, `groups` are choices under headings."""

    name: str
    label: str
    value: str
    kind: str = "number"
    error: str = ""
    unit: str = ""
    bounds: str = ""
    help: str = ""
    step: str = "any"
    low: str = ""
    high: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    is_first_error: bool = False

    @property
    def id(self) -> str:
        """Return the control's element id: names of nested fields have dots, which selectors dislike."""
        return "field-" + self.name.replace(".", "-").replace("_", "-")

    @property
    def ticks(self) -> list[tuple[str, str, bool]]:
        """Return value and label of each choice of several, and whether it is ticked; the value has a line for each."""
        ticked = self.value.split("\n")
        return [(value, label, value in ticked) for value, label in self.choices]


def dataset_value(dataset: Dataset) -> str:
    """Return the value under which the picker sends a dataset."""
    return f"{dataset.asset}|{dataset.exchange}|{dataset.timeframe}"


def dataset_words(dataset: Dataset) -> str:
    """Return how the picker calls a dataset."""
    sample = ", sample (synthetic)" if dataset.synthetic else ""
    return f"{dataset.label} · {dataset.exchange}{sample}"


def bounds_of(param: Param) -> str:
    """Return what a parameter accepts, in short: its kind, its least and its largest value."""
    if param.kind not in ("int", "float"):
        return ""
    if param.low is None and param.high is None:
        return param.kind
    low = "" if param.low is None else as_text(param.low)
    high = "" if param.high is None else as_text(param.high)
    return f"{param.kind} {low}\N{EN DASH}{high}"
