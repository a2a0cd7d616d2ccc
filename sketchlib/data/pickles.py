"""What a pickle claims before anything is made of it: sizes that are not in the file, and numbers of places that fill the memory."""

from __future__ import annotations

import pickle
import re

# The pickle machine's codes by what follows each: nothing, one byte, two, four or eight, all of which are skipped many at once.
PLAIN = re.compile(rb"(?:[012NRQ\])}abestudlo(\x81\x85-\x89\x8f-\x94\x97\x98]|[Khq\x80\x82].|[M\x83]..|[Jj\x84].{4}|[G\x95].{8})*", re.S)
COUNTED = dict.fromkeys(b"UC\x8c\x8a", 1) | dict.fromkeys(b"TXB\x8b", 4) | dict.fromkeys(b"\x8d\x8e\x96", 8)  # bytes of a length
LINES = dict.fromkeys(b"ILSVFgpP", 1) | dict.fromkeys(b"ci", 2)  # lines of text
PUT, PUT_TEXT, STOP = b"rp."


def check_claims(data: bytes, start: int = 0) -> None:
    """Raise `pickle.UnpicklingError` for a pickle at `start` that is cut, claims more bytes than there are, or names a far place to keep
    something at: Python makes room for all places up to that one, so that nine bytes can take all memory."""
    at = start
    while (at := PLAIN.match(data, at).end()) < len(data):
        code = data[at]
        if code == STOP:
            return
        if code in COUNTED:
            width = COUNTED[code]
            at = min(at + 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "little"), len(data))
        elif code == PUT:
            _check_place(int.from_bytes(data[at + 1 : at + 5], "little"), at)
            at += 5
        elif code in LINES:
            at = _after_lines(data, at, LINES[code])
        else:
            raise pickle.UnpicklingError(f"it has the unknown code {code} at byte {at}")
    raise pickle.UnpicklingError("it is cut off")


def _after_lines(data: bytes, at: int, n: int) -> int:
    end = at
    for _ in range(n):
        end = data.find(b"\n", end + 1)
        if end < 0:
            raise pickle.UnpicklingError("it is cut off")
    if data[at] == PUT_TEXT:
        _check_place(int(data[at + 1 : end]), at)
    return end + 1


def _check_place(place: int, at: int) -> None:
    if place > at:  # each place before it took a byte at least
        raise pickle.UnpicklingError(f"it keeps something at place {place}, and has {at} bytes up to there")
