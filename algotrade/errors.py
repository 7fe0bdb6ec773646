"""The errors of the product, one small tree.

A message says what is wrong, which value, and what was allowed. Everything a caller is expected to meet derives from
AlgotradeError; anything else is a defect of ours and keeps its own traceback.
"""

import os
from collections.abc import Mapping


class AlgotradeError(Exception):
    """Base of every error that the product raises on purpose."""


class SpecError(AlgotradeError):
    """A submission cannot be run: at least one field is wrong.

    Attributes:
        fields: message by field name, in the order found. Nested fields are dotted (``parameters.fast``).
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__(" ".join(self.fields.values()))


class MarketDataError(AlgotradeError):
    """Candles are missing, malformed or inconsistent; the message names the row and column where there is one."""


class StrategyError(AlgotradeError):
    """A strategy is unknown, does not import, or breaks a rule of the strategy interface."""


class EngineError(AlgotradeError):
    """The engine was given something that it cannot execute."""


class RunCancelled(AlgotradeError):
    """Raised by a Sink to make the engine stop between two strides; not a failure."""


def error_text(error: BaseException) -> str:
    """Return what an error says; of one of the system its meaning alone, since it names places on the disk."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
