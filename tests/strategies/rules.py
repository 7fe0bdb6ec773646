"""The built-in strategies' rules once more, in NumPy and plain loops, from the books and not from the product's code.

A rule is a function of bars and parameters. It returns a function `target(t, position, held)`: which side (1 long, 0
none, -1 short) the strategy wants after the close of bar t, given the side it is on and the bars since its entry.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def rolling(function, values, length):
    """Return a function of the last `length` values at each bar, NaN before."""
    out = np.full(len(values), np.nan)
    if len(values) >= length:
        out[length - 1 :] = function(sliding_window_view(values, length), axis=1)
    return out


def smoothed(values, length, weight):
    """Return an average that moves by `weight` toward each value, begun with the mean of the first `length`."""
    out = np.full(len(values), np.nan)
    first = int(np.argmax(~np.isnan(values))) + length - 1
    out[first] = values[first - length + 1 : first + 1].mean()
    for t in range(first + 1, len(values)):
        out[t] = out[t - 1] + weight * (values[t] - out[t - 1])
    return out


def exponential(values, length):
    """Return the exponential moving average."""
    return smoothed(values, length, 2 / (length + 1))


def true_range(bars, length):
    """Return Wilder's average true range; the first bar has no close before it."""
    before = np.concatenate(([np.nan], bars.close[:-1]))
    widest = np.maximum(bars.high, before) - np.minimum(bars.low, before)
    return smoothed(widest, length, 1 / length)


def past_return(close, length):
    """Return the relative change over `length` bars."""
    out = np.full(len(close), np.nan)
    out[length:] = close[length:] / close[:-length] - 1
    return out


def sides(p):
    """Return the side of what is sold short: -1, or 0 for a strategy that is only long."""
    return -1 if p["side"] == "both" else 0


def crossing(first, second, short):
    """Return the target of a strategy that changes sides when one line crosses another."""

    def target(t, position, held):
        if t and first[t] > second[t] and first[t - 1] <= second[t - 1]:
            return 1
        if t and first[t] < second[t] and first[t - 1] >= second[t - 1]:
            return short
        return position

    return target


def sma_cross(bars, p):
    return crossing(*(rolling(np.mean, bars.close, p[name]) for name in ("fast", "slow")), sides(p))


def macd_trend(bars, p):
    # The fast average begins with the slow one, as the line that both make does.
    late = np.concatenate((np.full(p["slow"] - p["fast"], np.nan), bars.close[p["slow"] - p["fast"] :]))
    line = exponential(late, p["fast"]) - exponential(bars.close, p["slow"])
    signal = exponential(line, p["signal"])
    line[np.isnan(signal)] = np.nan
    return crossing(line, signal, sides(p))


def supertrend(bars, p):
    reach = p["width"] * true_range(bars, p["length"])
    middle = (bars.high + bars.low) / 2
    up, down = middle - reach, middle + reach
    trend, wanted = np.zeros(len(bars.close)), np.zeros(len(bars.close))
    first = p["length"]
    trend[first] = -1
    for t in range(first + 1, len(bars.close)):
        if bars.close[t - 1] >= up[t - 1]:
            up[t] = max(up[t], up[t - 1])
        if bars.close[t - 1] <= down[t - 1]:
            down[t] = min(down[t], down[t - 1])
        trend[t] = trend[t - 1]
        if trend[t - 1] < 0 and bars.close[t] > down[t]:
            trend[t], wanted[t] = 1, 1
        elif trend[t - 1] > 0 and bars.close[t] < up[t]:
            trend[t], wanted[t] = -1, -1
    return lambda t, position, held: 1 if wanted[t] > 0 else sides(p) if wanted[t] < 0 else position


def donchian_breakout(bars, p):
    def target(t, position, held):
        enter, leave = (slice(max(0, t - p[name]), t) for name in ("entry", "leave"))
        if t >= p["entry"] and position <= 0 and bars.close[t] > bars.high[enter].max():
            return 1
        if t >= p["entry"] and position >= 0 and bars.close[t] < bars.low[enter].min():
            return sides(p)
        if position > 0 and bars.close[t] < bars.low[leave].min():
            return 0
        if position < 0 and bars.close[t] > bars.high[leave].max():
            return 0
        return position

    return target


def keltner_channel(bars, p):
    middle = exponential(bars.close, p["length"])
    distance = (bars.close - middle) / true_range(bars, p["range_length"])

    def target(t, position, held):
        if position:
            return 0 if position * distance[t] < 0 else position
        return 1 if distance[t] > p["width"] else sides(p) if distance[t] < -p["width"] else 0

    return target


def bollinger_reversion(bars, p):
    middle, deviation = (rolling(function, bars.close, p["length"]) for function in (np.mean, np.std))
    lower, upper = middle - p["width"] * deviation, middle + p["width"] * deviation

    def target(t, position, held):
        if position:
            return 0 if position * (bars.close[t] - middle[t]) >= 0 else position
        return 1 if bars.close[t] < lower[t] else sides(p) if bars.close[t] > upper[t] else 0

    return target


def connors_rsi2(bars, p):
    change = np.diff(bars.close, prepend=np.nan)
    gain, loss = (smoothed(values, p["length"], 1 / p["length"]) for values in (change.clip(0), (-change).clip(0)))
    moved = gain + loss
    rsi = np.where(moved == 0, 0, 100 * gain / np.where(moved == 0, 1, moved))
    trend, leave = (rolling(np.mean, bars.close, p[name]) for name in ("trend", "leave"))

    def target(t, position, held):
        if position:
            return int(not bars.close[t] > leave[t])
        return int(bars.close[t] > trend[t] and rsi[t] < p["low_mark"])

    return target


def zscore_reversion(bars, p):
    change = past_return(bars.close, p["lookback"])
    zscore = (change - rolling(np.mean, change, p["length"])) / rolling(np.std, change, p["length"])

    def target(t, position, held):
        if position:
            return 0 if held >= p["hold"] else position
        return 1 if zscore[t] < -p["entry"] else sides(p) if zscore[t] > p["entry"] else 0

    return target


def time_series_momentum(bars, p):
    change = past_return(bars.close, p["lookback"])

    def target(t, position, held):
        if (position and held < p["hold"]) or not abs(change[t]) > 0:
            return position
        return 1 if change[t] > 0 else sides(p)

    return target


def volatility_breakout(bars, p):
    usual = true_range(bars, p["length"])

    def target(t, position, held):
        move = (bars.close[t] - bars.close[t - 1]) / usual[t - 1] if t else 0.0
        if move > p["width"] and position <= 0:
            return 1
        if move < -p["width"] and position >= 0:
            return sides(p)
        return 0 if position and held >= p["hold"] else position

    return target


def high_momentum(bars, p):
    nearness = bars.close / rolling(np.max, bars.high, p["length"])

    def target(t, position, held):
        return int(not nearness[t] < p["leave"]) if position else int(nearness[t] >= p["enter"])

    return target


def trades_of(rule, bars, p):
    """Return entry bar, exit bar (-1: still open) and side of each trade; a decision fills at the next bar's open."""
    target, position, entry, found = rule(bars, p), 0, 0, []
    with np.errstate(invalid="ignore"):
        for t in range(len(bars.close) - 1):
            wanted = target(t, position, t - entry)
            if wanted != position:
                found += [(entry, t + 1, position)] if position else []
                position, entry = wanted, t + 1
    return found + ([(entry, -1, position)] if position else [])
