"""Resolution of a request to the spec of a download."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from algotrade.errors import MarketDataError, SpecError
from algotrade.market.bars import DAY_NS, timeframe_ns
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore, Dataset
from algotrade.market.vendors.exchanges import VENDOR, typed_asset_name
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.ports import Json
from algotrade.resolve.moments import read_instant, when
from algotrade.resolve.reader import Reader, shown

DOWNLOAD_FIELDS = ("exchange", "asset", "timeframe", "start", "end")
MOST_BARS = 20_000_000
"""Bars of one download: they are joined in memory."""


@dataclass(frozen=True, slots=True)
class ResolvedDownload:
    """A download that can be run.

    Attributes:
        spec: what was asked, complete.
        inputs: library, title of the exchange, and the version of the dataset that it continues, for people: none of
            them changes what is fetched.
        base: the dataset that it continues; None when there is none yet.
    """

    spec: DownloadSpec
    inputs: Json
    base: Dataset | None

    @property
    def run_key(self) -> str:
        """SHA-256 of the spec."""
        return self.spec.key

    @property
    def total_bars(self) -> int:
        """Bars of the range when none is missing."""
        return self.spec.total_bars


def resolve_download(
    request: Mapping[str, Any], exchanges: Mapping[str, Json], library: str, store: CandleStore, now_ns: int
) -> ResolvedDownload:
    """Turn a request (API body, form or command line) into a spec.

    Args:
        request: the fields of DOWNLOAD_FIELDS; without a start it continues the dataset that is there, without an end
            it goes up to the last finished bar.
        exchanges: title and timeframes of each exchange, by id.
        library: what fetches, and its version.
        store: where candles are.
        now_ns: UTC ns.

    Raises:
        SpecError: at least one field is wrong; `fields` has a message for each.
    """
    reader = Reader(request)
    reader.refuse_unknown(DOWNLOAD_FIELDS)
    exchange = _exchange(reader, exchanges)
    asset = _asset(reader)
    timeframe = _timeframe(reader, exchanges[exchange] if exchange else None)
    if exchange is None or asset is None or timeframe is None:
        for name in ("start", "end"):  # what is wrong with them is told at once, too
            read_instant(reader, name, 0, end_of_day=False)
        raise SpecError(reader.errors)
    base = store.newest(asset, exchange, timeframe)
    start_ns, end_ns = _range(reader, base, timeframe_ns(timeframe), now_ns)
    if reader.errors:
        raise SpecError(reader.errors)
    spec = DownloadSpec(VENDOR, exchange, asset, timeframe, start_ns, end_ns)
    if spec.total_bars > MOST_BARS:
        message = f"These are {spec.total_bars:,} bars; one download has at most {MOST_BARS:,}."
        raise SpecError({"start": message})
    inputs = {"library": library, "title": exchanges[exchange]["title"], "base": base.version if base else None}
    return ResolvedDownload(spec, inputs, base)


def _exchange(reader: Reader, exchanges: Mapping[str, Json]) -> str | None:
    text = reader.text("exchange")
    if text is None:
        return None
    by_title = {str(known["title"]).lower(): name for name, known in exchanges.items()}
    name = text.lower() if text.lower() in exchanges else by_title.get(text.lower())
    if name is None:
        called = {name: name for name in exchanges} | by_title
        near = dict.fromkeys(called[match] for match in get_close_matches(text.lower(), called, 5, 0.5))
        there = f"did you mean {' or '.join(near)}?" if near else f"such as {', '.join(sorted(exchanges)[:5])}."
        reader.errors["exchange"] = (
            f"There is no exchange {shown(text)} with candles. There are {len(exchanges):,}; {there}"
        )
    return name


def _asset(reader: Reader) -> str | None:
    text = reader.text("asset")
    if text is None:
        return None
    asset = typed_asset_name(text)
    try:
        Instrument(asset=asset, exchange="x", tick_size=1.0)
    except MarketDataError:
        reader.errors["asset"] = f"Must be a market such as BTC/USD; it is {shown(text)}."
        return None
    return asset


def _timeframe(reader: Reader, exchange: Json | None) -> str | None:
    text = reader.text("timeframe")
    if text is None or exchange is None or text in exchange["timeframes"]:
        return text
    reader.errors["timeframe"] = f"{exchange['title']} has {', '.join(exchange['timeframes'])}; it is {shown(text)}."
    return None


def _range(reader: Reader, base: Dataset | None, step_ns: int, now_ns: int) -> tuple[int, int]:
    """Return the first and the last moment at which a bar may open; the last one is finished by now.

    Moments are rounded to the timeframe (days, for longer ones: where weeks begin is up to the exchange), so that two
    who ask for the same within one bar ask for the same.
    """
    unit_ns = min(step_ns, DAY_NS)
    newest_ns = (now_ns - step_ns) // unit_ns * unit_ns
    if base is None and reader.raw("start") is None:
        reader.errors["start"] = "This field is required: there are no candles yet that could be continued."
    begin_ns = -(-read_instant(reader, "start", base.last_ns if base else 0, end_of_day=False) // unit_ns) * unit_ns
    end_ns = min(read_instant(reader, "end", newest_ns, end_of_day=True) // unit_ns * unit_ns, newest_ns)
    if reader.errors:
        return 0, 0
    if begin_ns < 0:
        reader.errors["start"] = f"Must be 1970-01-01 or later; it is {when(begin_ns)}."
    elif base is not None and reader.raw("start") is None and end_ns <= base.last_ns:
        reader.errors["start"] = f"There is no finished bar after {when(base.last_ns)}: the dataset is up to date."
    elif begin_ns > end_ns:
        field = "start" if begin_ns > newest_ns else "end"
        reader.errors[field] = f"There is no finished bar from {when(begin_ns)} to {when(end_ns)} UTC."
    return begin_ns, end_ns
