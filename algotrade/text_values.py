"""Values as people type them: numbers with a decimal point or comma, their thousands set off or not; yes and no.

What a text cannot say for certain is no number here: better a question than another number. One form that could be two
is read as it is written in English and by programs: a comma before three digits, as in 10,000, sets off thousands.
"""

import math
import re

_NUMBER = re.compile(r"([+-]?)([0-9][0-9.,' _]*|[.,][0-9]+)([eE][+-]?[0-9]{1,3})?")
_BLANKS = dict.fromkeys(map(ord, "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\N{FIGURE SPACE}"), " ")
_SIGNS = {ord("\N{MINUS SIGN}"): "-", ord("\N{RIGHT SINGLE QUOTATION MARK}"): "'"}
_THOUSANDS = r"[1-9][0-9]{{0,2}}({0}[0-9]{{3}})+"
_ENGLISH_THOUSANDS = re.compile(_THOUSANDS.format(","))
_FLAGS = {"true": True, "false": False, "True": True, "False": False, "on": True, "off": False}
"""As JSON and as Python write them, and as a box of a form and a command's option do."""


def point_number(text: str) -> str | None:
    """Return a typed number as programs write it; None when the text is none, or might be another.

    ``1,70`` is 1.70, ``10.000,50`` and ``10 000,50`` and ``10,000.50`` are 10000.50, ``1.234.567`` is a whole number,
    ``10,000`` is ten thousand; ``1,2,3``, ``12,34.5`` and ``1 7`` are no numbers.
    """
    matched = _NUMBER.fullmatch(text.strip().translate(_BLANKS | _SIGNS))
    if matched is None:
        return None
    sign, digits, exponent = matched[1], matched[2], matched[3] or ""
    whole, mark, decimals = _split(digits)
    plain = _without_thousands(whole)
    is_cut = mark == "," and not decimals
    if plain is None or is_cut or (decimals and not decimals.isdecimal()):
        return None
    return f"{sign}{plain}{mark and '.'}{decimals}{exponent}"


def to_number(text: str) -> float | None:
    """Return a typed number; None when the text is none, might be another, or is too large for a float."""
    plain = point_number(text)
    number = math.nan if plain is None else float(plain)
    return number if math.isfinite(number) else None


def to_flag(value: object) -> bool | None:
    """Return a truth value, or a text that is one; None for anything else."""
    return value if isinstance(value, bool) else _FLAGS.get(value) if isinstance(value, str) else None


def _split(digits: str) -> tuple[str, str, str]:
    """Return what stands before the decimal mark, the mark, and the decimals; no mark where the number is whole."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        mark = max(".,", key=digits.rfind)
    elif points == 1 or (commas == 1 and not _ENGLISH_THOUSANDS.fullmatch(digits)):
        mark = "." if points else ","
    else:
        return digits, "", ""
    return digits.rpartition(mark)[0], mark, digits.rpartition(mark)[2]


def _without_thousands(whole: str) -> str | None:
    """Return a whole number's digits; None when what stands between them does not set off thousands, all alike."""
    marks = {character for character in whole if not character.isdecimal()}
    if not marks:
        return whole or "0"
    if len(marks) == 1 and re.fullmatch(_THOUSANDS.format(re.escape(*marks)), whole):
        return "".join(filter(str.isdecimal, whole))
    return None
