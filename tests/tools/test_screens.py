"""`manage.py screens`: pictures of a product of its own, and what is told where they cannot be taken."""

import shutil
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command

from tests import environment
from tests.bench.chromium import CHROMIUMS
from tests.screens.command import Command
from tests.screens.pages import SCREENS
from tests.screens.shots import VARIANTS, take
from tests.stack import Product

pytestmark = pytest.mark.browser
NAMES = ("data-empty", "login", "download-failed", "backtest-failed", "shortcuts")


def size(picture):
    """Return width and height of a PNG file."""
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", content[16:24])


@pytest.mark.timeout(300)
@pytest.mark.tools
def test_pictures_are_taken_of_pages_in_each_variant(tmp_path):
    if not any(map(shutil.which, CHROMIUMS)):
        environment.lacks("There is no chromium to drive.")
    chosen = [screen for screen in SCREENS if screen.name in NAMES]
    with ThreadPoolExecutor(1) as thread:  # the driver's event loop must not reach the other tests
        taken = thread.submit(lambda: list(take(tmp_path / "pictures", chosen, Product))).result()
    assert [path.stem for path in taken] == [f"{screen.name}-{variant}" for screen in chosen for variant in VARIANTS]
    assert sorted(taken) == sorted((tmp_path / "pictures").iterdir())
    assert [size(path)[0] for path in taken] == [1440, 1440, 390] * len(NAMES)
    assert all(size(path)[1] >= 844 for path in taken)
    assert len({path.read_bytes() for path in taken}) == 3 * len(NAMES)


def test_missing_chromium_is_told_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="There is no Chromium on the PATH, by any of the names chromium-headless"):
        call_command(Command(), str(tmp_path / "pictures"))


def test_missing_playwright_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(CommandError, match="Playwright is not installed"):
        call_command(Command(), str(tmp_path / "pictures"))


def test_unknown_screen_is_told_with_those_that_exist(tmp_path):
    with pytest.raises(
        CommandError, match=r"only: There is no screen 'moon'\. There are: data-empty, backtest-new-empty, "
    ) as caught:
        call_command(Command(), str(tmp_path / "pictures"), "--only", "moon")
    assert caught.value.returncode == 2
    assert list(tmp_path.iterdir()) == []
