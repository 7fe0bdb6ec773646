"""The golden files, and the comparison with them: every difference is a path, what was there, and what is there."""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "golden"
MOST_TOLD = 60
"""Differences that are told; a product that answers nothing would fill the screen."""
NOTHING = "(nothing)"


def write(part, answers):
    """Store a part, a field a line, in the order of names."""
    FOLDER.mkdir(exist_ok=True)
    _path(part).write_text(_text(answers) + "\n", encoding="utf-8")


def _text(value, indent=""):
    """Return JSON of which each field is a line; a list of plain values is one field."""
    deeper = f"{indent} "
    if isinstance(value, dict) and value:
        lines = [f"{deeper}{_plain(name)}: {_text(value[name], deeper)}" for name in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return "[\n" + ",\n".join(deeper + _text(item, deeper) for item in value) + f"\n{indent}]"
    return _plain(value)


def _plain(value):
    return json.dumps(value, ensure_ascii=False)


def read(part):
    """Return a part as it was recorded."""
    return json.loads(_path(part).read_text(encoding="utf-8"))


def parts():
    """Return the names of the parts that were recorded."""
    return sorted(path.stem.replace("-", " ") for path in FOLDER.glob("*.json"))


def _path(part):
    return FOLDER / f"{part.replace(' ', '-')}.json"


def differences(before, after, path=""):
    """Yield a line for each field that is not the same: `path: before -> after`.

    A whole number is not the same as a float of its value, and true is not 1.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            place = f"{path} › {name}" if path else name
            if name not in before or name not in after:
                yield _line(place, before.get(name, NOTHING), after.get(name, NOTHING))
            else:
                yield from differences(before[name], after[name], place)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield _line(f"{path} (length)", len(before), len(after))
        for at, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from differences(one, other, f"{path}[{at}]")
    elif type(before) is not type(after) or before != after:
        yield _line(path, before, after)


def told(found):
    """Return differences as a text for people."""
    lines = list(found)
    more = [f"... and {len(lines) - MOST_TOLD:,} more."] if len(lines) > MOST_TOLD else []
    return "\n".join([*lines[:MOST_TOLD], *more])


def _line(path, before, after):
    return f"{path}: {_short(before)} -> {_short(after)}"


def _short(value):
    text = value if value is NOTHING else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 200 else f"{text[:200]}…"
