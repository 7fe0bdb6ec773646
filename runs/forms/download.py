"""The form of a new download: which exchange, which market, which range; its verdict comes from `resolve_download`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from algotrade.errors import SpecError
from algotrade.market.store import CandleStore, Dataset
from algotrade.market.vendors.exchanges import typed_asset_name
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.ports import Json
from algotrade.resolve import ResolvedDownload
from runs import exchanges
from runs.figures import moment
from runs.forms.fields import FormField

DEFAULT_TIMEFRAME = "1h"
LARGE_EXCHANGES = ("bitstamp", "binance", "coinbase", "kraken", "okx", "bybit")
"""What a form opens with for somebody who has downloaded nothing yet: the first of these that there is.

Bitstamp gives its bars to everybody, and from the beginning.
"""
NAMES = ("exchange", "asset", "timeframe", "start", "end")


@dataclass
class DownloadForm:
    """What was typed, what it means, and what is wrong with it.

    Attributes:
        data: values by field name, as a browser sends them.
        known: title and timeframes of each exchange, by id.
        store: where datasets are.
        usual: the exchange that its user takes; empty where nobody knows.
        errors: message by field name; empty until `resolve` was called.
    """

    data: Mapping[str, str]
    known: Mapping[str, Json]
    store: CandleStore
    usual: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_spec(cls, spec: DownloadSpec, known: Mapping[str, Json], store: CandleStore) -> Self:
        """Return a form that asks for the same again."""
        data = {
            "exchange": spec.exchange,
            "asset": spec.asset,
            "timeframe": spec.timeframe,
            "start": moment(spec.start_ns).strftime("%Y-%m-%dT%H:%M:%S"),
            "end": moment(spec.end_ns).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        return cls(data, known, store)

    @property
    def exchange(self) -> str:
        """The chosen exchange, else the usual one, a large one, or the first of the list."""
        wanted = (self.data.get("exchange", ""), self.usual, *LARGE_EXCHANGES, *self._sorted())
        return next((name for name in wanted if name in self.known), "")

    @property
    def is_outdated(self) -> bool:
        """Whether the exchange was changed and the page still shows the timeframes of the former one."""
        return self.data.get("timeframes_of", self.exchange) != self.exchange

    @property
    def is_blank(self) -> bool:
        """Whether nothing was asked for yet."""
        return not self.data.get("asset", "").strip()

    @property
    def there(self) -> Dataset | None:
        """The dataset that the download would continue."""
        names = (typed_asset_name(self.data.get("asset", "")), self.exchange, self._timeframe())
        return next((one for one in self.store.datasets() if (one.asset, one.exchange, one.timeframe) == names), None)

    def resolve(self) -> ResolvedDownload | None:
        """Ask the validator; on a refusal the errors are set and None comes back."""
        self.errors = {}
        request: dict[str, Any] = {name: self.data.get(name, "") for name in NAMES}
        request["exchange"] = self.data.get("exchange") or self.exchange
        request["timeframe"] = self._timeframe()
        try:
            return exchanges.resolve(request)
        except SpecError as error:
            self.errors = dict(error.fields)
            return None

    def all_fields(self) -> list[FormField]:
        """Return every field, in the order of the page."""
        return [self.exchange_field(), self.asset_field(), self.timeframe_field(), *self.range_fields()]

    def exchange_field(self) -> FormField:
        """Return the picker of exchanges."""
        choices = tuple((name, str(self.known[name]["title"])) for name in self._sorted())
        return self._field("exchange", "Exchange", self.exchange, kind="select", choices=choices)

    def asset_field(self) -> FormField:
        """Return the market's name."""
        text = "As the exchange writes it, such as BTC/USD or BTC/USDT:USDT."
        return self._field("asset", "Market", self.data.get("asset", ""), kind="text", help=text)

    def timeframe_field(self) -> FormField:
        """Return the picker of the exchange's timeframes."""
        choices = tuple((one, one) for one in self._timeframes())
        return self._field("timeframe", "Timeframe", self._timeframe(), kind="select", choices=choices)

    def range_fields(self) -> list[FormField]:
        """Return From and To."""
        told = {"start": "Empty: after the last bar that is there.", "end": "Empty: up to the last finished bar."}
        labels = {"start": "From", "end": "To"}
        return [
            self._field(
                name,
                labels[name],
                self.data.get(name, ""),
                kind="datetime-local" if "T" in self.data.get(name, "") else "date",
                step="1",
                help=text,
            )
            for name, text in told.items()
        ]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return label and message of everything that is wrong."""
        labels = {item.name: item.label for item in self.all_fields()}
        return [(labels.get(name, ""), message) for name, message in self.errors.items()]

    def _timeframes(self) -> list[str]:
        return list(self.known[self.exchange]["timeframes"]) if self.exchange else []

    def _timeframe(self) -> str:
        """Return the chosen timeframe; the usual one when it belongs to another exchange."""
        asked, known = self.data.get("timeframe", ""), self._timeframes()
        if asked and not (self.is_outdated and asked not in known):
            return asked
        return DEFAULT_TIMEFRAME if DEFAULT_TIMEFRAME in known or not known else known[0]

    def _sorted(self) -> list[str]:
        return sorted(self.known, key=lambda name: str(self.known[name]["title"]).lower())

    def _field(self, name: str, label: str, value: str, **options: Any) -> FormField:
        is_first = next(iter(self.errors), None) == name
        return FormField(name, label, value, error=self.errors.get(name, ""), is_first_error=is_first, **options)
