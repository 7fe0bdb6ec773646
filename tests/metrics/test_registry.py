"""The registry is what tables, tooltips and objective lists show."""

import pytest

from algotrade.metrics import METRICS
from algotrade.metrics.registry import metric


def test_metrics_come_group_by_group():
    groups = [entry.group for entry in METRICS.values()]
    assert list(dict.fromkeys(groups)) == ["Returns", "Risk", "Trades", "Costs"]
    assert groups == sorted(groups, key=["Returns", "Risk", "Trades", "Costs"].index)


@pytest.mark.parametrize("key", METRICS)
def test_metric_is_fit_to_be_shown(key):
    entry = METRICS[key]
    assert entry.key == key == key.lower()
    assert entry.label
    assert entry.help.endswith(".")


def test_metric_labels_are_told_apart():
    assert len({entry.label for entry in METRICS.values()}) == len(METRICS)


def test_second_metric_of_a_name_is_refused():
    def net_profit(_):
        return 0.0

    with pytest.raises(ValueError, match="two metrics 'net_profit'"):
        metric("Another", "money", "Returns", "Another.")(net_profit)
