"""What a product answers is what it answered before, field by field, on SQLite and on PostgreSQL with Redis."""

import pytest

from tests.contract import golden

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

PARTS = (
    "access", "addresses", "addresses of the API", "backtests", "charts and files", "commands", "datasets", "document",
    "downloads", "forms", "lists of backtests", "lists of optimizations", "optimizations", "pages", "pages in detail",
    "strategies", "tables of backtests", "trials",
)  # fmt: skip
OTHERS = ("names", "old home")


@pytest.mark.parametrize("part", PARTS)
def test_product_answers_as_before(answers, compare, part):
    compare(part, answers[part])


def test_every_part_that_is_asked_is_compared(answers):
    assert sorted(answers) == sorted(PARTS)


def test_commands_and_settings_are_called_as_before(names, compare):
    compare("names", names)


def test_every_golden_file_is_compared():
    assert golden.parts() == sorted([*PARTS, *OTHERS])
