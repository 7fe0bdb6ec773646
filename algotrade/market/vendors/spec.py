"""Spec of a download, frozen."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Self

from algotrade.market.bars import timeframe_ns
from algotrade.spec import canonical_json


@dataclass(frozen=True, slots=True)
class DownloadSpec:
    """Everything a download was asked to do.

    Attributes:
        vendor: which library fetches, ``ccxt``.
        exchange: the vendor's name of the exchange, such as bitstamp; the dataset's exchange, too.
        asset: the dataset's asset, such as BTC-USD.
        timeframe: such as 1h.
        start_ns, end_ns: int UTC ns; bars that open from the one to the other, both inclusive, all finished when it was
            asked.
    """

    vendor: str
    exchange: str
    asset: str
    timeframe: str
    start_ns: int
    end_ns: int

    @property
    def total_bars(self) -> int:
        """Bars that the range has when none is missing."""
        return (self.end_ns - self.start_ns) // timeframe_ns(self.timeframe) + 1

    @property
    def key(self) -> str:
        """SHA-256 (64 hex digits) under which identical downloads are one run."""
        text = canonical_json({"kind": type(self).__name__, "spec": self.to_dict()})
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON types; `from_dict` gives an equal spec back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a spec from `to_dict`'s output."""
        return cls(**data)
