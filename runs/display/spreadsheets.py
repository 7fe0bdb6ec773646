"""Files for spreadsheets: cells that are no formulas, lines that are sent as they are made."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a text that begins so; with an apostrophe before it, it shows it."""


BYTE_ORDER_MARK = "\ufeff"


def lines_of(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as lines of CSV; their cells went through `cell`."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay what they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def sent_as_csv(request: HttpRequest, parts: Iterator[str], name: str) -> StreamingHttpResponse:
    """Return an answer that a browser saves as the CSV file `name`, with the mark by which Excel knows UTF-8."""
    return sent_as_file(request, chain([BYTE_ORDER_MARK], parts), name, "text/csv; charset=utf-8")


def sent_as_file(request: HttpRequest, parts: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    """Return an answer that a browser saves as the file `name`."""
    # A server that waits for nobody must not wait for the database between two parts.
    content = _awaited(parts) if isinstance(request, ASGIRequest) else parts
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)


async def _awaited(parts: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str | None:
        return next(parts, None)

    while (part := await sync_to_async(following)()) is not None:
        yield part
