"""Files of candles that people send: received, looked through in a child, imported, and cleared away.

A file lies in a folder of its own below `uploads/` of the home folder, readable for nobody else, until it is imported,
discarded, or a day old. What happens to it is told by its row (`runs/models/upload.py`), which survives every crash;
what is stored is stored whole by the candle store.
"""
