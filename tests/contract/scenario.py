"""The whole scenario: one product, started with a single worker, so that runs come one after the other."""

from contextlib import contextmanager

from tests.contract import strategies
from tests.contract.parts import access, backtests, commands, datasets, downloads, forms, optimizations, pages
from tests.contract.recorder import Recorder
from tests.exchange import LocalExchange
from tests.stack import Product

FIRST_USER = "trader"
MOST_ACTIVE_RUNS = "3"


@contextmanager
def product_for(home, exchange, **addresses):
    """Run a product on a home folder, beside the imitated exchange; `addresses` are of databases, none: SQLite."""
    product = Product(home, sample=True, workers=1, **addresses)
    product.environment |= {"LOGNAME": FIRST_USER, "ALGOTRADE_MAX_ACTIVE_RUNS": MOST_ACTIVE_RUNS}
    exchange.stand_in(product.environment)
    with product:
        yield product


def record(home, **addresses):
    """Return the answers of a product by part, and by step in it.

    Args:
        home: a folder for it.
        addresses: of its database and Redis, if they are not to be what comes embedded.
    """
    with LocalExchange() as exchange, product_for(home, exchange, **addresses) as product:
        strategies.write_all(product)
        recorder = Recorder(product)
        recorder.add_guest()
        recorder.add_browser()
        backtests.record(recorder)
        optimizations.record(recorder)
        downloads.record(recorder, exchange)
        datasets.record(recorder)
        access.record(recorder)
        pages.record(recorder)
        commands.record(recorder)
        forms.record(recorder)
        return recorder.parts
