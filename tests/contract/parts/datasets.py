"""Datasets and imports: listed, looked at, imported from files good and bad, step by step, resampled, deleted."""

HOUR = 3_600
BEGIN = 1_577_836_800
"""2020-01-01T00:00:00Z, in seconds."""
PROGRESS = ("done", "total")
"""What the reader of a file told last."""
NAMES = {"asset": "PEAR", "exchange": "FARM", "timeframe": "1h"}
KEY = "PEAR-FARM-1h"


def csv(hours, *, head="time,open,high,low,close,volume", row="{at},{open},{high},{low},{close},{volume}"):
    """Return a file of candles, a line an hour; prices go round in a circle of 17 hours."""
    lines = [head]
    for hour in hours:
        price = 100 + hour * 7 % 17
        told = {"open": price, "high": price + 2, "low": price - 1, "close": price + 1, "volume": 10 + hour % 5}
        lines.append(row.format(at=BEGIN + hour * HOUR, **told))
    return ("\n".join(lines) + "\n").encode()


GOOD = csv(hour for hour in range(72) if hour not in (30, 31))
LONGER = csv(range(96))
FOREIGN = csv(
    range(48), head="When;First;Top;Bottom;Last;Amount", row="{at};{open}.5;{high}.5;{low}.5;{close}.5;{volume}"
)
BAD = {
    "no file at all": b"",
    "no table": b"hello\n",
    "a high below the low": GOOD.replace(b",102,", b",1,", 1),
    "a price that is none, and times that go back": GOOD.replace(b",100,", b",cheap,", 1) + b"1577836800,1,2,1,2,5\n",
}
CANDLES = ("?px=10", "?px=5&from=1577840400&to=1577880000", "?px=0", "?px=wide", "?from=never", "?version=0123")


def record(recorder):
    """Record the part, and leave an imported dataset and a file that waits."""
    part = recorder.part("datasets")
    part.ask("list at first", "GET", "/api/datasets/", volatile=("size_bytes",))
    part.ask("read a sample", "GET", "/api/datasets/GLDX-SAMPLE-1d", volatile=("size_bytes", "empty_weekday_list"))
    _imported(part)
    _step_by_step(part, recorder)
    _resampled(part)
    part.ask("read", "GET", f"/api/datasets/{KEY}", volatile=("size_bytes",))
    part.ask("read an older version", "GET", f"/api/datasets/{KEY}?version=0123")
    for query in CANDLES:
        part.ask(f"candles {query}", "GET", f"/api/datasets/{KEY}/candles{query}")
    part.ask("delete one that runs used", "DELETE", "/api/datasets/ACME-SAMPLE-1h")
    part.ask("delete one that is not there", "DELETE", "/api/datasets/NOPE-NONE-1h")
    part.ask("list at last", "GET", "/api/datasets/", volatile=("size_bytes",))


def _imported(part):
    part.send_file("import", "/api/datasets/", "pears.csv", GOOD, **NAMES, volatile=PROGRESS)
    part.send_file("import the same again", "/api/datasets/", "pears.csv", GOOD, **NAMES, volatile=PROGRESS)
    part.send_file("import more of it", "/api/datasets/", "pears.csv", LONGER, **NAMES, volatile=PROGRESS)
    told = {**NAMES, "asset": "PLUM", "currency": "EUR", "tick_size": "0.5", "lot_size": "1", "calendar": "Europe/Rome"}
    part.send_file("import with everything said", "/api/datasets/", "plums.csv", GOOD, **told, volatile=PROGRESS)
    part.ask("delete an imported one", "DELETE", "/api/datasets/PLUM-FARM-1h")
    part.send_file("import without names", "/api/datasets/", "pears.csv", GOOD)
    part.send_file("import with wrong names", "/api/datasets/", "pears.csv", GOOD,
                   **{**NAMES, "timeframe": "7x", "tick_size": "-1", "lot_size": "x"})  # fmt: skip
    part.send_file("import with an unknown field", "/api/datasets/", "pears.csv", GOOD, **NAMES, colour="red")
    part.send_file("import with an unknown role", "/api/datasets/", "pears.csv", GOOD,
                   **{**NAMES, "columns.weather": "open"})  # fmt: skip
    part.send_file("import with an unknown zone", "/api/datasets/", "pears.csv", GOOD, **NAMES, time_zone="Moon/Base")
    for name, content in BAD.items():
        part.send_file(f"import {name}", "/api/datasets/", "bad.csv", content, **{**NAMES, "asset": "BAD"})
    part.send("import nothing", "/api/datasets/", b"")


def _step_by_step(part, recorder):
    """Record a file whose columns have to be named, one that is discarded, and one that waits."""
    body = part.send_file("look", "/api/datasets/imports/", "KIWI_FARM_1h.csv", FOREIGN, volatile=PROGRESS)
    at = _named(recorder, "upload", body)
    part.ask("show an import", "GET", at, volatile=PROGRESS)
    part.ask("check without the columns", "POST", f"{at}/check", {"asset": "KIWI"}, volatile=PROGRESS)
    roles = {"time": "When", "open": "First", "high": "Top", "low": "Bottom", "close": "Last", "volume": "Amount"}
    part.ask("check with the columns", "POST", f"{at}/check", {"columns": roles}, volatile=PROGRESS)
    part.ask("check with columns of another kind", "POST", f"{at}/check", {"columns": "When"})
    part.ask("import it without names", "POST", f"{at}/import", {"columns": roles})
    part.ask("do what there is not", "POST", f"{at}/eat", {})
    part.ask("cancel what is over", "POST", f"{at}/cancel")
    told = {"asset": "KIWI", "exchange": "FARM", "timeframe": "1h", "columns": roles}
    part.ask("import what was looked at", "POST", f"{at}/import", told, volatile=PROGRESS)
    part.ask("show it when imported", "GET", at, volatile=PROGRESS)
    part.ask("import it twice", "POST", f"{at}/import", told)
    part.ask("discard what is imported", "DELETE", at)
    at = _named(
        recorder,
        "discarded",
        part.send_file("look at another", "/api/datasets/imports/", "x.csv", GOOD, volatile=PROGRESS),
    )
    part.ask("see another's import", "GET", at, caller="guest")
    part.ask("discard", "DELETE", at)
    part.ask("discard twice", "DELETE", at)
    part.send_file("look at wrong prices", "/api/datasets/imports/", "bad.csv", BAD["a high below the low"],
                   volatile=PROGRESS)  # fmt: skip
    _named(
        recorder,
        "waiting file",
        part.send_file("look at a third", "/api/datasets/imports/", "y.csv", GOOD, volatile=PROGRESS),
    )


def _resampled(part):
    at = f"/api/datasets/{KEY}/resample"
    part.ask("resample", "POST", at, {"timeframe": "4h"}, volatile=("size_bytes",))
    part.ask("resample again", "POST", at, {"timeframe": "4h"}, volatile=("size_bytes",))
    part.ask("resample to a shorter one", "POST", at, {"timeframe": "1m"})
    part.ask("resample to nothing", "POST", at, {})
    part.ask("delete the longer one", "DELETE", "/api/datasets/PEAR-FARM-4h")


def _named(recorder, name, body):
    recorder.call(name, body["id"])
    return f"/api/datasets/imports/{body['id']}"
