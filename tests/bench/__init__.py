"""Measurements of the product beside its peers: ratios taken in one run, one line a goal.

Here live what `manage.py bench` measures and how it tells it. Nothing of the product imports it. Machines are shared
and noisy, so what is compared runs in turn, and medians are quoted.
"""
