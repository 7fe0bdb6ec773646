"""The form of a new download: which exchange, which market, which range; its verdict comes from `resolve_download`."""

from collections.abc import Mapping
from typing import Any, Self

from django import forms

from algotrade.market.store import CandleStore, Dataset
from algotrade.market.vendors.exchanges import typed_asset_name
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.ports import Json
from algotrade.resolve import ResolvedDownload
from runs.display.fields import CheckedForm, PlainField, moment_field, text_input
from runs.display.figures import moment
from runs.downloads import exchanges

DEFAULT_TIMEFRAME = "1h"
LARGE_EXCHANGES = ("bitstamp", "binance", "coinbase", "kraken", "okx", "bybit")
"""What a form opens with for somebody who has downloaded nothing yet: the first of these that there is.

Bitstamp gives its bars to everybody, and from the beginning.
"""


def typed_download(spec: DownloadSpec) -> dict[str, str]:
    """Return a spec as the form begins with it."""
    return {
        "exchange": spec.exchange,
        "asset": spec.asset,
        "timeframe": spec.timeframe,
        "start": moment(spec.start_ns).strftime("%Y-%m-%dT%H:%M:%S"),
        "end": moment(spec.end_ns).strftime("%Y-%m-%dT%H:%M:%S"),
    }


class DownloadForm(CheckedForm):
    """Exchange, market, timeframe and range.

    Attributes:
        known: title and timeframes of each exchange, by id.
        store: where datasets are.
        chosen: the exchange, else the usual one, a large one, or the first of the list.
        resolved: what is asked for, once the form is valid.
    """

    resolved: ResolvedDownload

    def __init__(
        self,
        known: Mapping[str, Json],
        store: CandleStore,
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        usual: str = "",
    ) -> None:
        """Make the form; `usual` is the exchange that its user takes, empty where nobody knows."""
        super().__init__(data, initial)
        self.known, self.store = known, store
        titles = sorted(((name, str(one["title"])) for name, one in known.items()), key=lambda one: one[1].lower())
        wanted = (self.given.get("exchange"), usual, *LARGE_EXCHANGES, *dict(titles))
        self.chosen = next((name for name in wanted if name in known), "")
        timeframes = list(known[self.chosen]["timeframes"]) if self.chosen else []
        is_usual = DEFAULT_TIMEFRAME in timeframes or not timeframes
        proposed = DEFAULT_TIMEFRAME if is_usual else timeframes[0]
        if self.is_outdated and self.given.get("timeframe") not in timeframes:
            given = {name: self.given[name] for name in self.given} | {"timeframe": proposed}
            self.data, self.initial = (given, {}) if self.is_bound else ({}, given)
        help = "As the exchange writes it, such as BTC/USD or BTC/USDT:USDT."
        choices = [(one, one) for one in timeframes]
        self.fields |= {
            "exchange": PlainField("Exchange", forms.Select(choices=titles), initial=self.chosen),
            "asset": PlainField("Market", text_input(), help=help),
            "timeframe": PlainField("Timeframe", forms.Select(choices=choices), initial=proposed),
            "start": moment_field("From", help="Empty: after the last stored bar."),
            "end": moment_field("To", help="Empty: up to the last finished bar."),
        }

    @property
    def is_outdated(self) -> bool:
        """Whether the exchange was changed and the page still shows the timeframes of the former one."""
        return bool(self.given.get("timeframes_of", self.chosen) != self.chosen)

    @property
    def is_blank(self) -> bool:
        """Whether nothing was asked for yet."""
        return not self["asset"].value().strip()

    @property
    def there(self) -> Dataset | None:
        """The dataset that the download would continue."""
        names = (typed_asset_name(self["asset"].value()), self.chosen, self["timeframe"].value())
        return next((one for one in self.store.datasets() if (one.asset, one.exchange, one.timeframe) == names), None)

    def check(self) -> None:
        """Ask the validator.

        Raises:
            SpecError: something is wrong.
        """
        self.resolved = exchanges.resolve(self.cleaned_data)

    def as_sent(self) -> Self:
        """Return the form as it is when it is sent without a change."""
        return type(self)(self.known, self.store, self.unchanged())

    def range_fields(self) -> list[forms.BoundField]:
        """Return From and To."""
        return [self["start"], self["end"]]
