"""The engine: rules of execution, the compiled loop, and the exact traceback of whatever fails in it.

Rules (each has a hand-computed case in the tests):

1. A bar is stamped with its open time and is complete when the strategy sees it. A decision at bar t fills at the open
   of bar t + 1; with `fill = this_close` at the close of bar t, for comparison with engines that do so.
2. At the open of a bar orders fill in the order in which they were given; then the account is marked at the close;
   then the strategy decides.
3. A market order fills at the price plus slippage, which is adverse: so many ticks, and a fraction of the price. A sale
   is lowered to one tick at most; one at a price below that fills at its price.
4. Commission is a fraction of the notional of each fill, plus a fixed fee.
5. A size is resolved at the fill, after the orders before it. A fraction f of equity is
   ``floor(f x (free equity - fixed fee) / (price x (1 + commission)) / lot) x lot`` for a purchase; a short sale has
   the margin ratio in place of the 1, because that is what it ties up. A quote amount divides by the same; quantities
   are rounded toward zero to the lot (lot 0: not at all). Free equity is what is not tied up: the cash of a long
   position, and for a short one the equity less its margin. What cannot be paid, or rounds to nothing, is rejected with
   the reason.
6. There is one net position. A buy while short, and a sell while long, only reduces it (a fraction is then one of the
   position); a flip is ``close(); sell()`` in one bar: two fills, two fees, one trade closed and one opened. Shorts tie
   up notional x margin ratio.
7. When the equity of an account is not above zero at a bar's close, the run is ruined: a position is liquidated
   there, and nothing more happens.
8. At the end an open position stays open, marked at the last close; with `close_at_end` it is closed there, at a
   commission.
9. A short position that is held at a bar's close, after what fills there, costs the borrow rate for the time from this
   bar's open to the next one's: ``rate x units x close x nanoseconds between the opens / 365 days``. The clock counts,
   so nights, weekends and gaps are paid for. The cash pays at the next open, before orders fill; a trade's profit is
   without it. After the last bar nothing is charged, because no bar tells how long that one lasted.

This file stays light: other processes import it for the version alone.
"""

ENGINE_VERSION = "7"
"""Part of every run key. Raise it with every change of a rule, a fill or a metric."""
