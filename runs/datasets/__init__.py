"""Datasets and uploaded files: who uses a dataset, what is imported, resampled, deleted.

Reading a file's rows does not belong here; a child does it, with `algotrade.market`.
"""
