"""Finds out in which encoding a text file is written, and writes it again as UTF-8; runs in Glue's driver.

UTF-8 is proven by looking at every byte. Text of one byte a character is Western (cp1252) where that makes words of
letters that Western languages have; else charset-normalizer compares what else it may be, and where two encodings are
equally likely, people are asked.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainyard.errors import BadData
from trainyard.reading.opening.text_scan import CHUNK_BYTES, MAX_LINE_BYTES
from trainyard.reading.sentences import refused

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

# UTF-32 first: its mark of little-endian bytes begins with the one of UTF-16.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
WESTERN = "cp1252"
# What is compared where text is neither UTF-8 nor Western: encodings that files have, not the many that exist.
EASTERN = ("cp932", "euc_jp", "gb18030", "big5", "euc_kr")
MUCH = 0.2
OTHERS = [
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2"),
    *("koi8_r", "mac_roman", "cp850"),
    *EASTERN,
]
SAMPLE_BYTES = 2**16
COMPARED_BYTES = 2**13
ENOUGH_BYTES = 2**10
# Fewer different letters beyond ASCII say nothing of a language.
ENOUGH_LETTERS = 8
# Two encodings whose texts differ by less in both measures of charset-normalizer are equally likely.
LESS_CHAOS = 0.05
MORE_COHERENCE = 0.05
MANY_CAPITALS = 0.6
LETTERS = "äöüßéèêëàâîïôûùçœæáíóúñãõåøìòÿ"
# Those of cp1252 that are all Hungarian letters in cp1250, where these two are ő and ű.
HUNGARIAN = frozenset("áéíóöúüõû")
# Of cp1254, all that Turkish has, and those of them that only Turkish has there.
TURKISH, ONLY_TURKISH = frozenset("çğıöşüâîû\u0307"), frozenset("ğış")
SOME_LETTERS = 4
# Letters of some Western languages that are rare enough to be another language's in another encoding.
RARE = "ðþýšž"
SIGNS = (
    r"\u0080-\u009f\u00a1-\u00a9\u00ab-\u00b4\u00b6\u00b8-\u00b9\u00bb-\u00bf\u00d7\u00f7\u20ac\u201a\u201e\u2026\u2020\u2021"
    r"\u02c6\u2030\u2039\u201c\u201d\u2022\u2122\u203a\u02dc"
)
# A sign or a quotation mark where a letter belongs, and a capital letter inside of a word; letters and signs in rows.
NOT_WESTERN = re.compile(rf"[^\W\d_][{SIGNS}][^\W\d_]|[a-z\u00df-\u00ff][\u00c0-\u00d6\u00d8-\u00de\u0160\u017d\u0178]")
ANY_SIGN = r"(?:[^\w\s\x00-\x7f]|[\u00aa\u00b2\u00b3\u00b9\u00ba\u00bc-\u00be])"
SIGN_RUN = re.compile(rf"(?:({ANY_SIGN})(?!\1)(?={ANY_SIGN})){{3}}")
FOREIGN_RUN = re.compile(r"[^\W\d_a-zA-Z]{3,}")
# A sign where a letter belongs, and letters of two scripts in one word: text in another encoding than this one.
FLORIN, SCRIPTS = "\u0192", r"\u0370-\u03ff\u0400-\u04ff\u0590-\u06ff"
NO_WORDS = re.compile(
    rf"[^\W\d_](?=[{SIGNS}{FLORIN}]+[^\W\d_])|[a-zA-Z{FLORIN}](?=[{SCRIPTS}])|[{SCRIPTS}](?=[a-zA-Z{FLORIN}])"
)
MANY_ODD = 0.02


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """An encoding by Python's name; `rival` is one that is as likely, empty where there is none."""

    name: str
    rival: str = ""


def wide(head: bytes) -> str:
    """The encoding of two or four bytes a character in which a file begins, empty where it is none of them."""
    marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), "")
    nuls = head.count(0)
    if marked or nuls < len(head) / 100 or len(head) < 4:
        return marked
    places = [head[place::4].count(0) for place in range(4)]
    if nuls > 0.6 * len(head):
        return "utf-32-le" if places[3] > places[0] else "utf-32-be"
    even, odd = places[0] + places[2], places[1] + places[3]
    return "utf-16-le" if odd > 19 * even else "utf-16-be" if even > 19 * odd else ""


def narrow(text: bytes) -> Encoding:
    """The encoding of text that is no UTF-8; `text` is made of lines that hold bytes beyond ASCII."""
    if _is_turkish(text):
        return Encoding(name="cp1254")
    if is_western(text):
        return Encoding(name=WESTERN)
    # Here, for most files are UTF-8 or Western, and the library's tables take their time to load.
    import charset_normalizer

    lines = b"\n".join(dict.fromkeys(text.splitlines())) + b"\n"
    # Of little text the library finds no language.
    lines = (lines * (ENOUGH_BYTES // len(lines) + 1))[:COMPARED_BYTES]
    matches = list(charset_normalizer.from_bytes(lines, cp_isolation=OTHERS, steps=10, chunk_size=1024))
    words = [each for each in matches if _odd(str(each)) <= MANY_ODD]
    if not words and (eastern := _eastern(lines)):
        return eastern
    if not matches:
        return Encoding(name=WESTERN, rival="another one")
    words = words or matches
    # Text that is all capitals in one encoding and small letters in another is not shouted.
    words.sort(key=lambda each: (each.chaos >= LESS_CHAOS, _capitals(str(each)) > MANY_CAPITALS))
    best, *others = words
    few = len({each for each in str(best) if not each.isascii()}) < ENOUGH_LETTERS
    rival = next((each for each in others if few or _as_likely(each, best)), None)
    return Encoding(name=best.encoding, rival="" if rival is None else rival.encoding)


def _as_likely(other: CharsetMatch, best: CharsetMatch) -> bool:
    if str(other) == str(best) or _capitals(str(other)) > MANY_CAPITALS > _capitals(str(best)):
        return False
    return other.chaos - best.chaos < LESS_CHAOS and best.coherence - other.coherence < MORE_COHERENCE


def _odd(text: str) -> float:
    """How many letters beyond ASCII are followed by what no word has, as a share of them all."""
    beyond = sum(each.isalpha() and not each.isascii() for each in text)
    return (len(NO_WORDS.findall(text)) + len(SIGN_RUN.findall(text))) / max(beyond, 1)


def _eastern(text: bytes) -> Encoding | None:
    """The encoding of East Asia that makes kana or hangul of much of a text; None where none does, or several do."""
    found = []
    for name in EASTERN:
        try:
            beyond = [each for each in text.decode(name) if not each.isascii()]
        except UnicodeDecodeError:
            continue
        if sum("\u3040" <= each <= "\u30ff" or "\uac00" <= each <= "\ud7a3" for each in beyond) > MUCH * len(beyond):
            found.append(name)
    return Encoding(name=found[0]) if len(found) == 1 else None


def _is_turkish(text: bytes) -> bool:
    """Whether all letters beyond ASCII are Turkish in cp1254, and some of them nothing but that."""
    try:
        beyond = {each for each in text.decode("cp1254").lower() if not each.isascii() and not re.match("\\W", each)}
    except UnicodeDecodeError:
        return False
    return len(beyond) >= SOME_LETTERS and beyond <= TURKISH and not beyond.isdisjoint(ONLY_TURKISH)


def _capitals(text: str) -> float:
    letters = [each for each in text if each.isalpha() and not each.isascii()]
    return sum(each.isupper() for each in letters) / max(len(letters), 1)


def shown(name: str) -> str:
    """An encoding as people write it: UTF-16, cp1252."""
    wide_ones = re.match(r"utf[-_](16|32)", name)
    return f"UTF-{wide_ones[1]}" if wide_ones else name.replace("_", "-")


def is_western(text: bytes) -> bool:
    """Whether cp1252 makes words of it: accents among plain letters, no signs inside of words."""
    try:
        decoded = text.decode(WESTERN)
    except UnicodeDecodeError:
        return False
    beyond = [each for each in decoded.lower() if each.isalpha() and not each.isascii()]
    rare = sum(each in RARE for each in beyond)
    known = sum(each in LETTERS for each in beyond)
    odd = sum(len(each.findall(decoded)) for each in (NOT_WESTERN, FOREIGN_RUN, SIGN_RUN))
    if set(beyond) <= HUNGARIAN and not set(beyond).isdisjoint("õû"):
        return False
    return known + rare == len(beyond) and rare <= len(beyond) / 10 and odd <= len(beyond) / 50


def transcode(path: Path, target: Path, *, encoding: str, name: str) -> None:
    """Write the file at `path` to `target` as UTF-8; raises BadData where it is not in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with path.open("rb") as file, target.open("w", encoding="utf-8", newline="") as copy:
        try:
            while chunk := file.read(CHUNK_BYTES):
                text = decoder.decode(chunk)
                copy.write(text.removeprefix("\ufeff"))
                lines += text.count("\n")
            # Half a character at the end belongs to a line that was cut off.
        except UnicodeError as error:
            expected, advice = f"{encoding} text", "say in run.json how it is encoded (files.<table>.encoding)"
            bad = error.object[error.start] if isinstance(error, UnicodeDecodeError) else 0
            found = f"the byte 0x{bad:02X}"
            raise BadData(
                [refused(name, f"after line {lines:,}", expected=expected, found=found, advice=advice)]
            ) from error


@dataclass(frozen=True, kw_only=True)
class Lines:
    """How many lines are UTF-8 beyond ASCII, how many are something else, the first of these, and some of them."""

    utf8: int
    other: int
    first: int
    sample: bytes


def lines_by_encoding(path: Path) -> Lines:
    """Look at the lines of a file that is not all UTF-8."""
    utf8, other, first = 0, 0, 0
    sample = bytearray()
    for number, line in enumerate(_lines(path), start=1):
        if line.isascii():
            continue
        if _is_utf8(line):
            utf8 += 1
            continue
        other, first = other + 1, first or number
        if len(sample) < SAMPLE_BYTES:
            sample += line
    return Lines(utf8=utf8, other=other, first=first, sample=bytes(sample))


def transcode_lines(path: Path, target: Path, *, encoding: str) -> None:
    """Write the file at `path` to `target` as UTF-8, taking the lines that are not for lines in `encoding`."""
    with target.open("wb") as copy:
        for line in _lines(path):
            if line.isascii() or _is_utf8(line):
                copy.write(line.decode("utf-8", errors="ignore").encode())
            else:
                copy.write(line.decode(encoding, errors="replace").encode())


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            yield line


def _is_utf8(line: bytes) -> bool:
    """Whether a line is UTF-8, where it is the last one perhaps without the end of its last character."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(line, final=line.endswith(b"\n"))
    except UnicodeDecodeError:
        return False
    return True
