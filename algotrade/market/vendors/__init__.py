"""Candles from vendors: what one must be able to do, the exchanges that ccxt knows, and a download that survives.

    vendor.py     what a download asks of a vendor, and how a vendor says no
    spec.py       what is asked of a download, frozen
    exchanges.py  the exchanges behind ccxt, an optional package that is imported here and nowhere else
    guard.py      the only way to the network: known hosts, public addresses, no redirects
    pages.py      answers kept in files, so that nothing is asked twice
    download.py   page by page, with retries, until the range is there
    merging.py    what came in, checked as an import is, joined with what the store has

Another vendor is one more module with a class that fits `Vendor`, and a line in `algotrade.runner.downloads`.
"""
