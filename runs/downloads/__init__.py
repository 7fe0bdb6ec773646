"""Downloads: the worker's part, the exchanges there are, the form, the live parts.

What talks to an exchange does not belong here; it lives in `algotrade.market.vendors` and runs in a child.
"""
