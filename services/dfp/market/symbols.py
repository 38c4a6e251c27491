"""The one spelling of a symbol, and its 64-bit form.

Frames carry symbols as integers: a column of them is compared, hashed and sorted at the speed of numpy, and eight bytes
hold every symbol whole, so that no table of names has to travel with the log.
"""

import functools
import re

ALLOWED = "six digits with .SH, .SZ or .BJ (600000.SH), or a CFFEX contract (IF2101.CF)"

MAX_LENGTH = 12
"""40^12 < 2^64 < 40^13."""

CACHED = 16_384
"""Distinct symbols remembered: all listed shares, funds and convertible bonds are about 8,000."""

_SYMBOL = re.compile(r"[0-9]{6}\.(?:SH|SZ|BJ)|[A-Z]{1,2}[0-9]{4}\.CF")
_BASE = 40
_PAD, _NEVER = " ", "?"
_CHARACTERS = _PAD + ".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _NEVER * 2
"""Character of each digit, in ASCII order."""

_DIGITS = {character: digit for digit, character in enumerate(_CHARACTERS) if character not in _PAD + _NEVER}


class SymbolError(ValueError):
    """A text or a number is no symbol; the message names it and says what is allowed."""


@functools.lru_cache(maxsize=CACHED)
def normalize(text: str) -> str:
    """The symbol in its one spelling: `" 600000.sh "` gives `600000.SH`.

    Raises:
        SymbolError: it has another form. Whether such an instrument exists is the question of `instruments.classify`.
    """
    symbol = text.strip()
    if not symbol.isascii() or _SYMBOL.fullmatch(symbol.upper()) is None:  # upper() makes ASCII of some other letters
        raise SymbolError(f"symbol {text!r:.80} is not allowed; expected {ALLOWED}")
    return symbol.upper()


@functools.lru_cache(maxsize=CACHED)
def pack(symbol: str) -> int:
    """Up to 12 characters of `0-9A-Z.` as an unsigned 64-bit integer, 0 for the empty text.

    Base 40, first character most significant, padded on the right: integers sort as their texts do.

    Raises:
        SymbolError: too long, or another character.
    """
    if len(symbol) > MAX_LENGTH or not _DIGITS.keys() >= set(symbol):
        raise SymbolError(f"symbol {symbol!r:.80} cannot be packed; expected up to {MAX_LENGTH} of 0-9, A-Z and '.'")
    code = 0
    for character in symbol.ljust(MAX_LENGTH, _PAD):
        code = code * _BASE + _DIGITS.get(character, 0)
    return code


@functools.lru_cache(maxsize=CACHED)
def unpack(code: int) -> str:
    """The text of which `pack` made `code`.

    Raises:
        SymbolError: `pack` never makes this number.
    """
    rest, text = int(code), ""  # int: a numpy scalar would stay one and wrap around
    for _ in range(MAX_LENGTH):
        rest, digit = divmod(rest, _BASE)
        text = _CHARACTERS[digit] + text
    text = text.rstrip(_PAD)
    if rest or not _DIGITS.keys() >= set(text):
        raise SymbolError(f"packed symbol {code} is not allowed; expected a number that pack() makes")
    return text
