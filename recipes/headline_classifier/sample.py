"""Makes realistic headline files of any size whose classes are planted; runs on a laptop and in tests.

Stories are drawn for a class, with a few names that no other story has: a model that learns names only knows nothing of
held-out stories. What shows the class are words of the class, which every headline of a story mixes with common ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

FILE = "newsCorpora.csv"
CLASSES = ("b", "t", "e", "m")
SHARES = (0.37, 0.25, 0.27, 0.11)
LONGEST_STORY = 15
# One line per class, in the order of `CLASSES`.
WORDS = tuple(
    tuple(line.split())
    for line in """
shares profit bank earnings stocks inflation merger investors rates dividend bailout exports economy revenue tariffs
smartphone browser satellite app software android galaxy console robot privacy hackers update chip tablet asteroid
album movie finale celebrity premiere concert singer actress trailer oscar tour wedding divorce sequel festival
virus vaccine cancer outbreak patients obesity diabetes hospital doctors symptoms measles study surgery ebola asthma
""".strip().splitlines()
)
COMMON_LINES = """
new report says after amid first year could over as why more how may
will set big back top plan day video million world people talks seen deal week
"""
COMMON = tuple(COMMON_LINES.split())
SYLLABLES = (
    "ba",
    "ca",
    "do",
    "fe",
    "gri",
    "ha",
    "jo",
    "ka",
    "lo",
    "mi",
    "na",
    "or",
    "pe",
    "ra",
    "so",
    "ta",
    "vi",
    "zu",
)
PUBLISHERS = ("Reuters", "Daily Herald", "The Morning Post", "Valley News", "City Wire", "Globe Online")
# A headline may borrow a word of another class, and an editor may file a story where others would not.
BORROWED, MISLABELLED = 0.15, 0.02
QUOTED = 0.05
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIRST_TIMESTAMP = 1_394_470_370_000


def write(directory: Path, *, size: int, seed: int) -> dict[str, dict[str, list[str]]]:
    """Write newsCorpora.csv with `size` lines to `directory`, a story at a time, so that memory does not grow.

    Returns the planted words of each class under `words`. Some titles have an opening quote that is never closed, as
    the published file does.
    """
    if size < 1:
        raise ValueError(f"expected a size of at least 1 headline, found {size}")
    random = Random(seed)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / FILE).open("w", encoding="utf-8", newline="") as file:
        written = 0
        while written < size:
            for line in _story(random, written, headlines=min(random.randint(1, LONGEST_STORY), size - written)):
                written += 1
                file.write(f"{written}\t{line}\n")
    return {"words": {name: list(words) for name, words in zip(CLASSES, WORDS, strict=True)}}


def _story(random: Random, first: int, *, headlines: int) -> Iterator[str]:
    """The lines of one story, without their ids."""
    category = random.choices(range(len(CLASSES)), SHARES)[0]
    names = [_name(random), _name(random)]
    story = f"d{first:09d}{''.join(random.choices(LETTERS, k=8))}M"
    for number in range(headlines):
        label = random.choice(CLASSES) if random.random() < MISLABELLED else CLASSES[category]
        publisher = random.choice(PUBLISHERS)
        host = f"www.{publisher.lower().replace(' ', '')}.example"
        address = f"http://{host}/{story.lower()}/{number}"
        timestamp = str(FIRST_TIMESTAMP + 1000 * (first + number))
        yield "\t".join((_title(random, category, names=names), address, publisher, label, story, host, timestamp))


def _title(random: Random, category: int, *, names: list[str]) -> str:
    own = random.sample(WORDS[category], random.randint(3, 4))
    if random.random() < BORROWED:
        own[-1] = random.choice(random.choice(WORDS))
    words = [*own, *random.sample(COMMON, random.randint(2, 4)), random.choice(names)]
    random.shuffle(words)
    title = " ".join(word.capitalize() for word in words)
    return f'"{title}' if random.random() < QUOTED else title


def _name(random: Random) -> str:
    return "".join(random.choices(SYLLABLES, k=random.randint(2, 4)))
