"""Data, about, error pages; what holds for every page; vendored files."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from runs.models import RunState
from tests.runs.pages import make_completed, make_failed, make_page_run

STATIC = Path(settings.BASE_DIR) / "static"
LIBRARIES = json.loads((STATIC / "vendor" / "vendor.json").read_text())


def every_page(user):
    runs = [make_page_run(state, user=user) for state in (RunState.PENDING, RunState.RUNNING, RunState.CANCELLED)]
    runs += [make_completed(user=user), make_failed(user=user)]
    completed = runs[3]
    tables = [f"{completed.get_absolute_url()}/{name}" for name in ("trades", "orders", "equity", "log")]
    return ["/runs", "/backtests/new", "/data", "/about", *(run.get_absolute_url() for run in runs), *tables]


def test_pages_hold_no_inline_script_style_or_handler(site, user):
    for path in every_page(user):
        content = site.get(path).content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", content), path
        scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", content)
        assert scripts == [], path


def test_pages_load_nothing_from_elsewhere(site, user):
    for path in every_page(user):
        assert not re.search(r'(?:src|(?<!<a )href)="(?:https?:)?//', site.get(path).content.decode()), path


def test_ids_are_unique(site, user):
    for path in every_page(user):
        ids = re.findall(r'\sid="([^"]+)"', site.get(path).content.decode())
        assert sorted(ids) == sorted(set(ids)), path


def test_every_control_has_a_label(site):
    content = site.get("/backtests/new").content.decode()
    for tag in re.findall(r"<(?:input|select)[^>]*>", content):
        if 'type="hidden"' not in tag:
            identity = re.search(r' id="([^"]*)"', tag)[1]
            assert f'<label for="{identity}">' in content, tag


def test_static_files_of_the_pages_exist(site, user):
    for path in every_page(user):
        for name in re.findall(r'(?:src|href)="/static/([^"#]+)', site.get(path).content.decode()):
            assert name.endswith("favicon-") or finders.find(name), name


def test_icons_exist_in_the_sprite(site, user):
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img" / "icons.svg").read_text()))
    for path in every_page(user):
        assert set(re.findall(r'icons\.svg#([^"]+)"', site.get(path).content.decode())) <= sprite, path


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library["file"])
def test_vendored_file_is_what_was_vendored(library):
    content = (STATIC / library["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == library["sha256"]


def test_nothing_is_vendored_without_a_note():
    files = {f"vendor/{path.name}" for path in (STATIC / "vendor").iterdir()} - {"vendor/vendor.json"}
    assert files <= {library["file"] for library in LIBRARIES}


def test_about_shows_every_licence(site):
    content = site.get("/about").content.decode()
    for library in LIBRARIES:
        assert f"{library['name']} {library['version']}, {library['licence']}" in content


def test_data_lists_the_datasets(site):
    content = site.get("/data").content.decode()
    assert "ACME 1h" in content
    assert ">600<" in content


def test_data_names_a_damaged_dataset_beside_the_others(site, tmp_path):
    folder = tmp_path / "candles" / "BAD-X-1h"
    folder.mkdir()
    (folder / "current.json").write_text("{")
    content = site.get("/data").content.decode()
    assert "current.json of BAD-X-1h is damaged" in content
    assert "ACME 1h" in content


def test_missing_page_has_the_products_look(site):
    response = site.get("/no/such/page")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_pages_refresh_themselves_without_a_script(site, user):
    run = make_page_run(RunState.RUNNING, user=user)
    assert (
        '<noscript><meta http-equiv="refresh" content="3"></noscript>'
        in site.get(run.get_absolute_url()).content.decode()
    )


def test_report_without_a_script_has_a_drawn_curve(site, user):
    content = site.get(make_completed(user=user).get_absolute_url()).content.decode()
    assert re.search(r'<noscript><svg class="static-chart".*<polyline class="equity" points="0\.0,', content)
