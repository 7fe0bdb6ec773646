"""The account of a run, declared once: each field with its default, bounds, unit and words, as a strategy's Param is.

The spec and its run key, the validator, the API's document, forms, commands, reports and the engine's record read what
stands here, so a new field is a line of `Account` and the rule that the engine has for it. Nothing here validates a
request, draws, or knows numba.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self

MAX_MONEY = 1e15
"""Largest amount of account currency: beyond it float64 no longer resolves a cent."""

Kind = Literal["number", "choice", "flag", "sizing"]
Unit = Literal["", "money", "ticks", "fee", "share", "rate"]
"""fee: fraction of a notional or a price; share: fraction of what is held; rate: fraction a year. People see all three
in percent."""
Group = Literal["costs", "orders", "more"]
"""Where forms and reports have a field; of the last group reports tell only what is not at its default."""
_NOUNS = {"money": "an amount", "ticks": "a number of ticks", "rate": "a yearly fraction"}
_DECLARED = "account_field"


@dataclass(frozen=True, slots=True)
class Charge:
    """What a field takes from the cash for the time that a position is held.

    Attributes:
        name: of the total that the engine keeps and results have, and of the metric that tells it.
        label, help: of the metric.
    """

    name: str
    label: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountField:
    """The declaration of one field of an account.

    Attributes:
        name: in specs, in the API, and of a number in the engine's record.
        kind: number (finite float), choice (text), flag (truth value) or sizing (a Sizing).
        default: the value when a submission does not say.
        proposed: the value that a fresh form proposes.
        unit: of a number.
        low, high: bounds of a number; None: unbounded.
        is_low_open, is_high_open: whether the bound itself is not allowed.
        choices: of a choice and of a sizing's kind, each value with what people call it.
        label: what people call it.
        per: what follows the value in words, such as "per fill".
        asked: the label of its input in forms, where it is not label and `per`.
        yes: what reports say of a flag that is set.
        help: below its input in forms.
        description: in the API's document.
        option: of commands; empty: none.
        option_help: what the option says, without the default.
        group: where forms and reports have it.
        in_costs: whether the line of costs of a terminal has it.
        charge: what a rate of the engine's charges; None where it has no such rule.
        is_later: whether specs that had no such field are stored; see `keyed`.
    """

    name: str = ""
    kind: Kind
    default: Any
    proposed: Any
    unit: Unit = ""
    low: float | None = None
    high: float | None = None
    is_low_open: bool = False
    is_high_open: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    label: str
    per: str = ""
    asked: str = ""
    yes: str = ""
    help: str = ""
    description: str = ""
    option: str = ""
    option_help: str = ""
    group: Group = "more"
    in_costs: Literal["never", "changed", "always"] = "never"
    charge: Charge | None = None
    is_later: bool = False

    @property
    def is_percent(self) -> bool:
        """Whether people type and read it in percent."""
        return self.unit in ("fee", "share", "rate")

    @property
    def input_label(self) -> str:
        """The label of its input in forms."""
        return self.asked or f"{self.label} {self.per}".strip()

    @property
    def allowed(self) -> str:
        """What a number may be, in words: a fraction of at least 0 and below 1."""
        bounds = self._bounds()
        return f"{_NOUNS.get(self.unit, 'a fraction')} {'of ' if bounds.startswith('at') else ''}{bounds}"

    @property
    def allowed_in_percent(self) -> str:
        """The same as people type it in percent: at least 0% and below 100%."""
        return self._bounds(100, "%")

    def accepts(self, number: float) -> bool:
        """Whether a finite number is within the bounds."""
        is_above = self.low is None or (number > self.low if self.is_low_open else number >= self.low)
        return is_above and (self.high is None or (number < self.high if self.is_high_open else number <= self.high))

    def _bounds(self, scale: int = 1, sign: str = "") -> str:
        low, high = ("" if one is None else f"{one * scale:,.15g}{sign}" for one in (self.low, self.high))
        if low and high and not self.is_low_open and not self.is_high_open:
            return f"from {low} to {high}"
        above = f"{'above' if self.is_low_open else 'at least'} {low}" if low else ""
        below = f"{'below' if self.is_high_open else 'at most'} {high}" if high else ""
        return " and ".join(part for part in (above, below) if part)


def _metadata(kind: Kind, default: Any, **words: Any) -> dict[str, AccountField]:
    """Return the metadata of a field of the class below: its declaration, without the name, which the class has."""
    return {_DECLARED: AccountField(kind=kind, default=default, **{"proposed": default, **words})}


def _declared(kind: Kind, default: Any, **words: Any) -> Any:
    return field(default=default, metadata=_metadata(kind, default, **words))


def _number(default: float, unit: Unit, **words: Any) -> Any:
    return _declared("number", default, unit=unit, **{"low": 0.0, "high": MAX_MONEY, **words})


def _fee(default: float, **words: Any) -> Any:
    return _number(default, "fee", high=1.0, is_high_open=True, **words)


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large an order is when the strategy does not say.

    Attributes:
        kind: ``equity_fraction`` (value is a fraction of free equity, 0 < value <= 1), ``quantity`` (value in units of
            the asset) or ``quote`` (value in account currency).
        value: size in the unit of `kind`.
    """

    kind: str = "equity_fraction"
    value: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account part of what was asked for: cash, costs, and rules of orders.

    Specs keep the order of the fields here. A field that is new has `is_later`.
    """

    initial_cash: float = _number(
        10_000.0,
        "money",
        is_low_open=True,
        group="costs",
        label="Initial capital",
        description="Account currency.",
        option="--cash",
        option_help="initial capital",
    )
    commission: float = _fee(
        0.0,
        proposed=0.001,
        group="costs",
        in_costs="always",
        label="Commission",
        per="per side",
        description="Fraction of notional per fill.",
        option="--commission",
        option_help="fraction of each fill's notional",
    )
    fixed_fee: float = _number(
        0.0,
        "money",
        in_costs="always",
        label="Fixed fee",
        per="per fill",
        description="Account currency per fill.",
    )
    slippage_ticks: float = _number(
        0.0,
        "ticks",
        high=1e6,
        proposed=1.0,
        group="costs",
        in_costs="always",
        label="Slippage",
        description="Adverse ticks per market or stop fill.",
        option="--slippage-ticks",
        option_help="adverse ticks of each fill",
    )
    slippage_frac: float = _fee(
        0.0,
        in_costs="changed",
        label="Slippage of the price",
        description="Adverse fraction of the price per market or stop fill.",
    )
    fill: str = _declared(
        "choice",
        "next_open",
        choices=(("next_open", "Next bar open"), ("this_close", "This bar close")),
        group="orders",
        label="Fill",
        asked="Orders fill at",
    )
    sizing: Sizing = field(
        default_factory=Sizing,
        metadata=_metadata(
            "sizing",
            Sizing(),
            choices=(
                ("equity_fraction", "Share of equity, %"),
                ("quantity", "Units of the asset"),
                ("quote", "Amount of money"),
            ),
            group="orders",
            label="Order size",
        ),
    )
    margin_ratio: float = _number(
        1.0,
        "share",
        high=1.0,
        is_low_open=True,
        label="Short margin",
        asked="Reserved for a short",
        description="Fraction of a short's notional that is reserved.",
    )
    close_at_end: bool = _declared(
        "flag",
        False,
        label="At the end",
        asked="Close an open position at the end",
        yes="Position closed",
        help="At the last close, with commission and without slippage.",
    )
    risk_free_rate: float = _number(
        0.0,
        "rate",
        low=-1.0,
        is_low_open=True,
        high=1.0,
        label="Risk-free rate",
        per="a year",
        asked="Risk-free rate, a year",
        description="Annual fraction.",
    )
    borrow_rate: float = _number(
        0.0,
        "rate",
        high=10.0,
        in_costs="changed",
        label="Borrow rate",
        per="a year",
        asked="Borrow rate, a year",
        help="Of a short position's value, by the bar.",
        description="Annual fraction of a short position's notional, charged by the bar.",
        option="--borrow-rate",
        option_help="annual fraction of a short position's notional",
        charge=Charge(
            "borrow_costs", "Borrow costs", "Paid for holding short positions; in net profit, not in that of trades."
        ),
        is_later=True,
    )

    def account_values(self) -> dict[str, Any]:
        """Return the account's fields by name."""
        return {name: getattr(self, name) for name in ACCOUNT}

    def account_dict(self) -> dict[str, Any]:
        """Return the account as JSON types."""
        return {**self.account_values(), "sizing": asdict(self.sizing)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build one from its JSON types; fields that are not there take their defaults."""
        sizing = data.get("sizing")
        return cls(**{**data, "sizing": Sizing() if sizing is None else Sizing(**sizing)})


ACCOUNT: dict[str, AccountField] = {
    one.name: replace(one.metadata[_DECLARED], name=one.name) for one in fields(Account)
}
"""Every declaration by name, in order."""
ACCOUNT_FIELDS = tuple(ACCOUNT.values())
NUMBERS = tuple(one.name for one in ACCOUNT_FIELDS if one.kind == "number")
"""Names of the numbers, in order."""
CHARGES = {one.name: one.charge for one in ACCOUNT_FIELDS if one.charge}
"""What is charged by the time, by the field that says how much; the engine has a rule for each."""
CHARGE_NAMES = tuple(one.name for one in CHARGES.values())
PROPOSED = Account(**{one.name: one.proposed for one in ACCOUNT_FIELDS})
"""What a fresh form proposes."""


def fields_of(group: Group) -> list[AccountField]:
    """Return the fields of a group as people see them: flags after the others."""
    return sorted((one for one in ACCOUNT_FIELDS if one.group == group), key=lambda one: one.kind == "flag")


def keyed(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what run keys have of an account, or of a spec with one: a field that came later only where it is set.

    So a submission that does not use the field is the run that it was before there was such a field.
    """
    return {
        name: value
        for name, value in account.items()
        if not (name in ACCOUNT and ACCOUNT[name].is_later and value == ACCOUNT[name].default)
    }
