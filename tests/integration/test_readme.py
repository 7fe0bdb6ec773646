"""The README's strategy and its call of the API, done as it says."""

import json
import re

import pytest

from tests.readme import blocks

pytestmark = pytest.mark.stack


def test_strategy_of_the_readme_is_short_and_trades(product, body):
    source = blocks("python")[0]
    assert len([line for line in source.splitlines() if line.strip()]) <= 16
    product.write_strategy("rsi_reversal", source)
    end = product.finished(product.submit(body("rsi_reversal"))["id"])
    assert end["status"] == "completed"
    assert end["result"]["metrics"]["trades"] > 10


def test_call_of_the_readme_is_accepted_and_completes(product):
    call = next(block for block in blocks("bash") if "curl" in block)
    asked = json.loads(re.search(r"-d '(.*?)'", call, re.S)[1])
    answer = product.submit(asked)
    assert re.search(r"/api/backtests/ID/status", call)
    assert product.finished(answer["id"])["result"]["metrics"]["trades"] > 0
