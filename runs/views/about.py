"""The page about the product: version and licences."""

import json
from functools import cache
from importlib import metadata
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET


@require_GET
def about(request: HttpRequest) -> HttpResponse:
    """Tell the version, and the licences of what the pages contain."""
    return render(request, "about.html", {"version": _version(), "libraries": _libraries()})


@cache
def _libraries() -> list[dict[str, str]]:
    """Return name, version, licence and its text of each vendored library, once."""
    entries: list[dict[str, str]] = json.loads((Path(settings.BASE_DIR) / "static/vendor/vendor.json").read_text())
    return list({entry["name"]: entry for entry in entries}.values())


@cache
def _version() -> str:
    try:
        return metadata.version("algotrade")
    except metadata.PackageNotFoundError:
        return "of the source tree"  # run from a checkout: nothing is installed
