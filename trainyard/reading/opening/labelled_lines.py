"""Takes apart lines that begin with a label, as fastText reads them; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

from trainyard.reading.opening.plain_text import Text
from trainyard.reading.opening.samples import sample

COLUMNS = ("label", "text")
# Each byte is a character, so that texts come out in the encoding that they are in.
BYTES = "latin-1"
MARK = "__label__"
LABELS = re.compile(rf"((?:{MARK}[^ \t]+[ \t,]+)+)(.*)")
BLANKS = " \t\r\n"


def is_labelled(text: Text) -> bool:
    """Whether every line at the beginning of a text, but for blank ones, begins with a label."""
    lines = [each for each in sample(text.path).head.decode(BYTES).split("\n") if each.strip(BLANKS)]
    return bool(lines) and all(LABELS.match(each) for each in lines)


def unlabelled(text: Text) -> Text:
    """The text with two fields a line, label and text, as CSV without a header; lines stay in their places.

    Of several labels the first counts, which is said. A line without one has no label.
    """
    target, several = text.folder / "unlabelled", False
    with text.path.open(encoding=BYTES) as lines, target.open("w", encoding=BYTES, newline="") as copy:
        writer = csv.writer(copy, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for line in lines:
            found = LABELS.match(line.strip(BLANKS))
            if not found:
                writer.writerow(("", line.strip(BLANKS)))
                continue
            first, *others = found[1].replace(MARK, " ").replace(",", " ").split(" ")[1:]
            several |= any(each.strip(BLANKS) for each in others)
            writer.writerow((first.strip(BLANKS), found[2]))
    said = "lines with labels (the first of several)" if several else "lines with labels"
    return replace(text, path=target, read_as=(*text.read_as, said))
