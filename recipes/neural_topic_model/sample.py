"""Makes a realistic review file of any size with planted themes; runs on a laptop and in tests."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# One line is what one kind of review is about; the words are their own lemmas.
THEMES = tuple(
    tuple(line.split())
    for line in """
coffee roast espresso bean aroma brew mug caffeine grinder bitter filter crema latte barista kettle
puppy dog kibble vet leash bark fur breed paw treat collar kennel tail groom shelter
battery charger laptop screen keyboard cable adapter warranty processor monitor speaker software upload pixel router
mascara lipstick shampoo perfume lotion skin moisturizer wrinkle scalp conditioner serum cleanser eyeliner fragrance
novel chapter author plot character villain paragraph publisher romance thriller ending library sequel narrator prose
tent backpack hike trail campfire canoe compass mountain lantern waterproof river boot canvas rope bear
guitar string amplifier melody drum chord album singer concert rhythm piano tune microphone bass violin
crib stroller diaper bottle toddler pacifier infant nursery rattle bib lullaby nap crawl teether babysitter
oven skillet pan spatula recipe bake stove whisk ladle simmer grill knife dishwasher blender colander
shirt sleeve cuff fabric cotton sweater zipper denim jacket button hem seam stitch laundry wardrobe
soccer basketball racket league goalkeeper coach tournament referee stadium athlete jersey dribble volley trophy sprint
tomato seed compost shovel lawn mulch rake hose blossom sprout trowel perennial fertilizer greenhouse pergola
tire brake engine windshield dashboard gasoline bumper mechanic headlight transmission mileage clutch exhaust garage
vitamin capsule supplement dosage pharmacy tablet protein immune allergy symptom physician pill digestion collagen
sofa mattress pillow bookshelf drawer cushion lamp carpet curtain nightstand dresser recliner upholstery assembly
camera lens tripod aperture shutter zoom portrait flash exposure sensor megapixel panorama viewfinder autofocus bokeh
chocolate caramel cookie almond hazelnut vanilla brownie fudge candy wafer marshmallow toffee praline nougat truffle
movie actor director scene screenplay sitcom episode comedy trailer cinema villainess soundtrack documentary blockbuster
puzzle pawn chess joystick arcade console multiplayer quest dungeon wizard rook domino token opponent strategy
hammer drill screwdriver wrench plywood nail sander toolbox clamp sawdust hinge bracket lumber chisel varnish
""".strip().splitlines()
)
COMMON = tuple(
    """
buy product good great time price quality order recommend use work money item love like day week return box little
""".split()  # noqa: SIM905 - a list of thirty strings is harder to read
)
FUNCTION_WORDS = tuple("the and of a this that was with for my it is in we very".split())  # noqa: SIM905
TITLES = ("Loved it", "Disappointed", 'The "best" so far', "Not bad, not great", "Would buy again", "Meh")
HEADER = (
    "Id,ProductId,UserId,ProfileName,HelpfulnessNumerator,HelpfulnessDenominator,Score,Time,Summary,Text".split(",")  # noqa: SIM905
)
CHUNK_REVIEWS = 20_000
WORDS = (60, 140)
THEME_SHARE, COMMON_SHARE = 0.35, 0.25
MAIN_THEME_SHARE = 0.85
SHORT_SHARE, COPY_SHARE = 0.05, 0.03
SHORT_WORDS = 20
FIRST_TIME = 1_300_000_000


def write(directory: Path, *, size: int, seed: int) -> dict[str, list[list[str]]]:
    """Write Reviews.csv with `size` reviews to `directory`; memory does not grow with `size`.

    A review is about one theme, in part about a second, with everyday words and function words in between. A few are
    too short, a few near-copies of the one before. Returns the words of the planted themes under `topics`.
    """
    if size < 1:
        raise ValueError(f"expected a size of at least 1 review, found {size}")
    random = np.random.default_rng(seed)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "Reviews.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for first in range(0, size, CHUNK_REVIEWS):
            writer.writerows(_reviews(random, first, count=min(CHUNK_REVIEWS, size - first)))
    return {"topics": [list(words) for words in THEMES]}


def _reviews(random: np.random.Generator, first: int, *, count: int) -> Iterator[tuple[object, ...]]:
    themes = random.integers(0, len(THEMES), (count, 2))
    lengths = np.where(random.random(count) < SHORT_SHARE, SHORT_WORDS, random.integers(*WORDS, count))
    copies = random.random(count) < COPY_SHARE
    scores = random.choice(5, count, p=(0.12, 0.08, 0.1, 0.2, 0.5)) + 1
    titles = random.integers(0, len(TITLES), count)
    text = ""
    for row in range(count):
        # The copy of a review differs from it in case, in mark-up and at the end.
        text = (
            f"{text.upper()}<br />Thanks!" if copies[row] and text else _text(random, themes[row], length=lengths[row])
        )
        number = first + row + 1
        product, user = f"B{number % 997:09d}", f"A{number % 8191:012d}"
        time = FIRST_TIME + 3600 * number
        yield number, product, user, "", 0, 0, int(scores[row]), time, TITLES[titles[row]], text


def _text(random: np.random.Generator, themes: np.ndarray, *, length: int) -> str:
    kind = random.random(length)
    theme = np.where(random.random(length) < MAIN_THEME_SHARE, themes[0], themes[1])
    # Squares make the first words of a list the most frequent.
    position = np.square(random.random(length))
    words = [
        _pick(THEMES[theme[index]], position[index])
        if kind[index] < THEME_SHARE
        else _pick(COMMON if kind[index] < THEME_SHARE + COMMON_SHARE else FUNCTION_WORDS, position[index])
        for index in range(length)
    ]
    return " ".join(words) + "."


def _pick(words: tuple[str, ...], position: float) -> str:
    return words[int(position * len(words))]
