"""An exact account of market orders: the rules of `algotrade.engine` in decimals of 60 digits, without a line of it."""

from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, localcontext

DIGITS = 60
YEAR_NS = Decimal(365 * 86_400 * 10**9)
LOT_REST = Decimal(2) ** -50
"""Share of a number of lots that the engine grants to rounding: a third of 5,400 is 1,800 lots, not 1,799."""
ALL_IN_REST = Decimal("1e-9")
"""Share of a cost that it grants an order of a fraction or a quote amount."""
COLUMNS = ("open", "high", "low", "close")
DUST = Decimal("1e-9")
EDGE, SMALL = Decimal("1e-12"), Decimal("1e-6")
LEFT_OVER = Decimal("1e-40")
"""What is left of a zero after 60 digits."""


@dataclass
class Exact:
    """What came of a run.

    Attributes:
        equity: at each bar's close.
        orders: status, reason and bar of the end of each order, by name.
        fills: bar, units (signed), price and commission of each.
        trades: entry bar, exit bar, side, units, profit, worst and best open profit of each that closed.
        has_dust: whether an order without lots was about money that only rounding left: whether that fills, who knows.
        has_edge: whether rounding in doubles may decide of a lot: a number of lots was whole but for 1e-12 of it, or
            the money was next to nothing beside what it is the difference of.
    """

    cash: Decimal
    position: Decimal = Decimal(0)
    equity: list = field(default_factory=list)
    orders: list = field(default_factory=list)
    fills: list = field(default_factory=list)
    trades: list = field(default_factory=list)
    entry_bar: int = 0
    entry_price: Decimal = Decimal(0)
    entry_fees: Decimal = Decimal(0)
    worst: Decimal = Decimal(0)
    best: Decimal = Decimal(0)
    has_dust: bool = False
    has_edge: bool = False


def account_of(bars, orders, **fields):
    """Return what comes of a script of orders by bar.

    Args:
        bars: Bars.
        orders: text by bar: ``"buy quantity=100"``, ``"close; sell"``.
        fields: of the account, and `lot_size` and `tick_size`.
    """
    with localcontext() as context:
        context.prec = DIGITS
        return _Run(bars, **fields).through(orders)


class _Run:
    def __init__(self, bars, **fields):
        self.fill, self.sizing = fields.pop("fill"), fields.pop("sizing")
        self.close_at_end = fields.pop("close_at_end")
        self.of = {name: Decimal(value) for name, value in fields.items()}
        self.rows = [[Decimal(float(getattr(bars, name)[at])) for name in COLUMNS] for at in range(len(bars))]
        self.time = bars.time.tolist()
        self.state = Exact(self.of["initial_cash"])
        self.waiting = []

    def through(self, orders):
        state = self.state
        for bar, (open_, high, low, close) in enumerate(self.rows):
            if bar and state.position < 0:
                elapsed = Decimal(self.time[bar] - self.time[bar - 1]) / YEAR_NS
                state.cash += self.of["borrow_rate"] * state.position * self.rows[bar - 1][3] * elapsed
            self._fill(bar, open_)
            self._meet(high)
            self._meet(low)
            if self._is_over(bar, close):
                return state
            for text in filter(None, map(str.strip, orders.get(bar, "").split(";"))):
                if text != "close" or state.position or self.waiting:
                    self.waiting.append((len(state.orders), *_order(text, self.sizing)))
                    state.orders.append(("PENDING", "NONE", -1))
            if self.fill == "this_close":
                filled = bool(self.waiting)
                self._fill(bar, close)
                if filled and self._is_over(bar, close, again=True):
                    return state
        last = len(self.rows) - 1
        for number, *_ in self.waiting:
            state.orders[number] = ("CANCELLED", "NO_NEXT_BAR", last)
        if self.close_at_end and state.position:
            self._book(last, -state.position, self.rows[-1][3])
            state.equity[-1] = state.cash
        return state

    def _is_over(self, bar, close, *, again=False):
        """Value the account at a close; an account without equity is liquidated there, and the run over."""
        state = self.state
        value = state.cash + state.position * close
        state.equity[bar if again else len(state.equity) :] = [value]
        if value > 0:
            return False
        if state.position:
            self._book(bar, -state.position, close)
        state.equity[bar] = state.cash
        return True

    def _fill(self, bar, price):
        for number, verb, unit, size in self.waiting:
            reason = self._take(bar, price, verb, unit, size)
            done = ("FILLED", "SIGNAL", bar) if reason is None else ("REJECTED", reason, bar)
            self.state.orders[number] = done
        self.waiting = []

    def _take(self, bar, price, verb, unit, size):
        """Fill one order; return why not, else None."""
        state, of = self.state, self.of
        held = state.position
        if verb == "close":
            verb = "sell" if held > 0 else "buy"
            unit, size = "all", abs(held)
        sign = 1 if verb == "buy" else -1
        tick = of["tick_size"]
        paid = (price + sign * of["slippage_ticks"] * tick) * (1 + sign * of["slippage_frac"])
        if sign < 0:
            paid = max(paid, min(price, tick))
        if unit == "all":
            reason = None if size else "NOTHING_TO_CLOSE"
        elif held * sign < 0:
            size, reason = self._less(paid, unit, size)
        else:
            size, reason = self._more(paid, sign, unit, size)
        if reason is None:
            self._book(bar, sign * size, paid)
            if sign > 0 and state.position > 0:
                state.cash = max(state.cash, Decimal(0))
        return reason

    def _less(self, paid, unit, size):
        """Return the units that an order takes off the position, and why it does not, else None."""
        held, of = self.state.position, self.of
        size = self._lots({"fraction": size * abs(held), "quote": size / paid, "quantity": size}[unit])
        if abs(held) - size < max(of["lot_size"] / 2, abs(held) * LOT_REST):
            size = abs(held)
        if not size:
            return size, "TOO_SMALL"
        left = self.state.cash + size * paid * (1 - of["commission"]) - of["fixed_fee"]
        return size, "NOT_PAYABLE" if held > 0 and size != held and left < 0 else None

    def _more(self, paid, sign, unit, size):
        """Return the units that an order adds to the position, and why it does not, else None."""
        held, of = self.state.position, self.of
        free = self.state.cash + min(held, 0) * paid * (1 + of["margin_ratio"])
        each = paid * ((1 if sign > 0 else of["margin_ratio"]) + of["commission"])
        money = {"fraction": size * (free - of["fixed_fee"]), "quote": size, "quantity": size * each}[unit]
        size = max(Decimal(0), self._lots(size if unit == "quantity" else money / each))
        self.state.has_dust |= not of["lot_size"] and size * each < DUST * of["initial_cash"]
        if unit != "quantity" and of["lot_size"]:
            lots = abs(money / each / of["lot_size"])
            self.state.has_edge |= abs(lots - lots.to_integral_value()) <= lots * EDGE
            self.state.has_edge |= abs(money) < SMALL * of["initial_cash"]
        cost = size * each + of["fixed_fee"]
        if size and cost > free + (0 if unit == "quantity" else cost * ALL_IN_REST):
            return size, "NOT_PAYABLE"
        return size, None if size else "TOO_SMALL"

    def _lots(self, size):
        lot = self.of["lot_size"]
        return (size / lot * (1 + LOT_REST)).to_integral_value(ROUND_FLOOR) * lot if lot else size

    def _meet(self, price):
        """Keep the worst and the best profit of the open position."""
        state = self.state
        profit = state.position * (price - state.entry_price)
        state.worst, state.best = min(state.worst, profit), max(state.best, profit)

    def _book(self, bar, units, price):
        state = self.state
        fees = abs(units) * price * self.of["commission"] + self.of["fixed_fee"]
        state.cash -= units * price + fees
        state.fills.append((bar, units, price, fees))
        held = state.position
        if held * units >= 0:
            if not held:
                state.entry_bar, state.entry_price, state.entry_fees = bar, price, fees
                state.worst = state.best = Decimal(0)
            else:
                state.entry_price = (state.entry_price * held + price * units) / (held + units)
                state.entry_fees += fees
            state.position += units
            return
        self._meet(price)
        share = -units / held
        worst, best, entry_fees = state.worst * share, state.best * share, state.entry_fees * share
        profit = -units * (price - state.entry_price) - entry_fees - fees
        side = 1 if held > 0 else -1
        state.trades.append((state.entry_bar, bar, side, abs(units), profit, worst, best))
        state.worst, state.best = state.worst - worst, state.best - best
        state.entry_fees -= entry_fees
        state.position += units
        if abs(state.position) < LEFT_OVER:
            state.position = Decimal(0)


def _order(text, sizing):
    verb, _, rest = text.partition(" ")
    if verb == "close":
        return verb, "all", Decimal(0)
    unit, _, size = rest.partition("=")
    if unit:
        return verb, unit, Decimal(float(size))
    return verb, {"equity_fraction": "fraction"}.get(sizing.kind, sizing.kind), Decimal(sizing.value)
