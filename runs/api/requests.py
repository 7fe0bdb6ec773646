"""Requests: JSON bodies, and the parameters of addresses."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from ninja import Field, Schema

from algotrade.resolve import to_ns
from runs.api.errors import ApiError
from runs.display.listing import with_every_word
from runs.models import Note, RunQuerySet, RunState
from runs.models.note import LONGEST_NOTES, LONGEST_TITLE, MOST_TAGS

MAX_DEPTH = 10
MAX_VALUES = 10_000
PRINTABLE = r"^[^\x00-\x1f]*$"


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Return the body, which must be a JSON object of sensible size.

    Raises:
        ApiError: it is not (400), or it is too large (413).
    """
    try:
        value = json.loads(request.body, parse_constant=_refuse_constant)
    except RequestDataTooBig:
        raise ApiError(413) from None
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply.") from None
    except ValueError as error:
        raise ApiError(400, f"The body is not valid JSON: {str(error)[:200]}.") from None
    if not isinstance(value, dict):
        raise ApiError(400, 'The body must be a JSON object, like {"strategy_name": "sma_cross", ...}.')
    _check_size(value)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _check_size(value: dict[str, Any]) -> None:
    """Refuse what is nested too deeply or has too many values, before anything recursive looks at it."""
    level: list[Any] = [value]
    n_values = 0
    for _ in range(MAX_DEPTH):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in inner for item in items]
        n_values += len(level)
        if n_values > MAX_VALUES:
            raise ApiError(400, f"The body has more than {MAX_VALUES:,} values.")
        if not level:
            return
    raise ApiError(400, f"The body is nested more than {MAX_DEPTH} levels deep.")


class NoteBody(Schema):
    """What people write about a run. What is left out stays as it is; an empty text or list takes it away."""

    title: str = Field("", max_length=LONGEST_TITLE, description="One line.")
    notes: str = Field("", max_length=LONGEST_NOTES)
    tags: list[str] = Field([], description=f"At most {MOST_TAGS}, of letters and digits with . + / - _ between them.")


class Paging(Schema):
    """Which part of a list is asked for."""

    limit: int = Field(50, ge=1, le=500, description="How many items, at most.")
    offset: int = Field(0, ge=0, le=2**31 - 1, description="How many items to pass over.")

    @property
    def part(self) -> slice:
        """The items that are asked for."""
        return slice(self.offset, self.offset + self.limit)


class RunFilters(Paging):
    """Which backtests or optimizations are asked for."""

    strategy_name: str | None = Field(None, max_length=100, pattern=PRINTABLE)
    asset: str | None = Field(None, max_length=64, pattern=PRINTABLE)
    exchange: str | None = Field(None, max_length=64, pattern=PRINTABLE)
    timeframe: str | None = Field(None, max_length=8, pattern=PRINTABLE)
    tag: str | None = Field(None, max_length=64, pattern=PRINTABLE, description="One tag that a run must have.")
    q: str | None = Field(None, max_length=100, pattern=PRINTABLE, description="Words, each of which must occur.")
    status: str | None = Field(None, max_length=64, description="One status, or several separated by commas.")
    from_: str | None = Field(None, alias="from", max_length=40, description="Created at or after: ISO 8601, UTC.")
    to: str | None = Field(None, max_length=40, description="Created at or before: ISO 8601, UTC; a date is its end.")


class TrialFilters(Paging):
    """Which trials are asked for, and in what order."""

    sort: str = Field(
        "",
        max_length=100,
        description="Metric, parameter, number, objective, status or duration_ms; a minus before it: largest first. "
        "By default the best come first.",
    )
    q: str = Field("", max_length=1_000, description="Filter, such as sharpe_ratio > 1.5 and trades > 50.")


class Window(Schema):
    """Which part of a series is asked for, and how finely."""

    from_: str | None = Field(None, alias="from", max_length=40, description="First bar's time: ISO 8601, UTC.")
    to: str | None = Field(None, max_length=40, description="Last bar's time: ISO 8601, UTC; a date is its end.")
    px: int = Field(1200, ge=1, le=4000, description="Pixels to fill: low and high of each are kept.")


def refuse_unknown(request: HttpRequest, schema: type[Schema]) -> None:
    """Refuse parameters that nobody reads: a filter with a typing error would show everything.

    Raises:
        ApiError: there is one.
    """
    known = [field.alias or name for name, field in schema.model_fields.items()]
    fields = {
        name[:100]: f"Unknown parameter {name[:100]!r}. Known: {', '.join(known)}."
        for name in request.GET
        if name not in known
    }
    if fields:
        raise ApiError(400, next(iter(fields.values())), fields)


def chosen_runs(runs: RunQuerySet, filters: RunFilters) -> RunQuerySet:
    """Return the runs that pass the filters, the newest first.

    Raises:
        ApiError: a filter is wrong.
    """
    chosen: dict[str, Any] = {
        "strategy_name": filters.strategy_name,
        "asset": filters.asset,
        "exchange": filters.exchange,
        "timeframe": filters.timeframe,
        "state__in": states(filters.status),
        "created_at__gte": moment("from", filters.from_),
        "created_at__lte": moment("to", filters.to, is_end=True),
    }
    given = {name: value for name, value in chosen.items() if value not in (None, "")}
    if filters.tag:
        runs = runs.filter(pk__in=Note.objects.with_tag(filters.tag.lower()).values("run"))
    return with_every_word(runs, filters.q or "").filter(**given).select_related("note").order_by("-number")


def moment(name: str, text: str | None, *, is_end: bool = False) -> datetime | None:
    """Return a parameter's time as an aware UTC datetime; None when it is absent.

    Args:
        name: the parameter's name, for the message.
        text: ISO 8601; without an offset it is UTC.
        is_end: whether a date alone means its last moment.

    Raises:
        ApiError: it is no time between 1678 and 2261.
    """
    if not text or not text.strip():
        return None
    try:
        # A plus sign in an address that was not escaped arrives as a blank.
        value = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        value = value.replace(tzinfo=value.tzinfo or UTC)
        if is_end and len(text.strip()) == len(date.min.isoformat()):
            value += timedelta(days=1, microseconds=-1)
        to_ns(value)  # its bounds are ours
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"Must be a date or time such as 2020-12-31 or 2020-12-31T23:59:59Z; it is {text!r}."
        raise ApiError(400, f"{name}: {message}", {name: message}) from None


def states(text: str | None) -> list[str] | None:
    """Return the states of a `status` parameter; None when it is absent.

    Raises:
        ApiError: one of them is no state.
    """
    if not text:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in RunState.values:
            message = f"Must be one of {', '.join(RunState.values)}; it is {name!r}."
            raise ApiError(400, f"status: {message}", {"status": message})
    return names
