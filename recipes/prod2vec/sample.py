"""Makes realistic order files of any size with planted substitutes and complements; runs on a laptop and in tests.

Shopping trips follow themes ("Organic tacos"). A theme has roles ("Salsa") and a role has variants of several brands.
Variants of a role stand in for each other: the same company in baskets, yet rarely together (substitutes). Roles come
in pairs, and the two variants of one brand are mostly bought one right after the other (complements).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# What one kind of shopping trip is about, up to a semicolon; every two in a row go into the cart together.
WARE_LISTS = """
Corn Tortillas, Salsa, Black Beans, Rice, Avocado, Limes, Ground Beef,
Taco Seasoning, Sour Cream, Shredded Cheese, Cilantro, Red Onions;
Spaghetti, Tomato Sauce, Parmesan, Basil, Garlic, Olive Oil, Meatballs,
Breadcrumbs, Lasagna Sheets, Ricotta, Mozzarella, Cherry Tomatoes;
Flour, Baking Powder, Sugar, Vanilla Extract, Butter, Eggs, Cocoa,
Chocolate Chips, Icing, Sprinkles, Muffin Cups, Almond Meal;
Cereal, Whole Milk, Bagels, Cream Cheese, Coffee Beans, Coffee Filters, Pancake Mix,
Maple Syrup, Bananas, Yogurt, Granola, Blueberries;
Romaine, Caesar Dressing, Cucumbers, Feta, Spinach, Walnuts, Radishes,
Vinaigrette, Croutons, Bell Peppers, Kale, Cranberries;
Burger Buns, Beef Patties, Hot Dogs, Mustard, Charcoal, Lighter Cubes, Coleslaw,
Potato Salad, Ketchup, Pickles, Corn on the Cob, Barbecue Sauce;
Diapers, Baby Wipes, Baby Formula, Bottle Brush, Apple Puree, Pear Puree, Teething Biscuits,
Bibs, Baby Shampoo, Baby Lotion, Baby Oatmeal, Prune Juice;
Dish Soap, Sponges, Laundry Detergent, Fabric Softener, Paper Towels, Glass Cleaner, Trash Bags,
Rubber Gloves, Toilet Paper, Bathroom Cleaner, Floor Wipes, Mop Heads;
Tortilla Chips, Guacamole, Pretzels, Hummus, Popcorn, Sea Salt, Crackers,
Brie, Trail Mix, Dried Mango, Cola, Lemonade;
Soy Sauce, Sesame Oil, Rice Noodles, Bean Sprouts, Tofu, Ginger, Coconut Milk,
Curry Paste, Nori, Sushi Rice, Bok Choy, Shiitake
"""
WARES = tuple(" ".join(wares.split()).split(", ") for wares in WARE_LISTS.split(";"))
STYLES = ("Organic", "Classic", "Low Sodium", "Gluten Free", "Vegan", "Kosher", "Spicy", "Light", "Premium", "Smoked")
ORIGINS = ("", "Alpine", "Coastal", "Prairie", "Orchard", "Valley", "Island", "Harbor", "Meadow", "Canyon")
BRANDS = ("Casa Verde", "O'Malley's", "Señor Pepe", "Northwind", "Blue Heron", "Tante Käthe", "Hill & Dale", "Umi")
PACKS = ("", ", 12 oz", ' "Family Size"', ', 10" Tray, Pack of 2')
GROUPS, ROLES, VARIANTS = len(WARES), 12, len(PACKS)

CHUNK_ORDERS = 100_000
MEAN_NEEDS = 6.0
MAX_NEEDS = 40
COMPLEMENT_SHARE = 0.7
OFF_THEME_SHARE = 0.15
SUBSTITUTE_TOGETHER_SHARE = 0.03
ORDERS_PER_USER = 10
PER_THEME = ROLES * VARIANTS


@dataclass(frozen=True)
class Shop:
    """Product ids by index in the catalogue, and the cumulative popularity of themes, pairs and variants."""

    ids: np.ndarray
    themes: np.ndarray
    pairs: np.ndarray
    variants: np.ndarray


def write(directory: Path, *, size: int, seed: int) -> dict[str, list[tuple[int, int]]]:
    """Write order_products__prior.csv with `size` lines, products.csv and orders.csv to `directory`.

    Memory does not grow with `size`. Returns the planted pairs of product ids, the most popular first, under
    `complements` and `substitutes`.
    """
    if size < 1:
        raise ValueError(f"expected a size of at least 1 order line, found {size}")
    random = np.random.default_rng(seed)
    shop = _shop(random, size)
    directory.mkdir(parents=True, exist_ok=True)
    _write_products(directory / "products.csv", shop)
    _write_orders(directory, shop, random=random, size=size)
    return {"complements": _complements(shop), "substitutes": _substitutes(shop)}


def _shop(random: np.random.Generator, size: int) -> Shop:
    themes = int(np.clip(4 * np.sqrt(size) / PER_THEME, 3, 1000))
    return Shop(
        ids=random.permutation(themes * PER_THEME) + 1,
        themes=_zipf(themes, 0.7, shift=2),
        pairs=_zipf(ROLES // 2, 0.6, shift=1),
        variants=_zipf(VARIANTS, 0.7, shift=1),
    )


def _zipf(count: int, exponent: float, *, shift: float) -> np.ndarray:
    """Cumulative Zipf-Mandelbrot probabilities of ranks 0 to count - 1, for `searchsorted`."""
    weights = 1.0 / (np.arange(count) + shift) ** exponent
    cumulative = np.cumsum(weights / weights.sum())
    cumulative[-1] = 1.0
    return cumulative


def _draw(random: np.random.Generator, cumulative: np.ndarray, *, count: int) -> np.ndarray:
    return np.searchsorted(cumulative, random.random(count), side="right")


def _write_products(path: Path, shop: Shop) -> None:
    by_id = np.argsort(shop.ids)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["product_id", "product_name", "aisle_id", "department_id"])
        for index in by_id.tolist():
            theme, rest = divmod(index, PER_THEME)
            role, variant = divmod(rest, VARIANTS)
            group = theme % GROUPS
            name = _product_name(theme, role, variant=variant)
            writer.writerow([int(shop.ids[index]), name, group * ROLES + role + 1, group + 1])


def _product_name(theme: int, role: int, *, variant: int) -> str:
    """Brand, origin, style, ware and pack; no two products of the first 1,000 themes share a name."""
    series, group = divmod(theme, GROUPS)
    origin, style = divmod(series, len(STYLES))
    brand = BRANDS[(role + 2 * variant + theme) % len(BRANDS)]
    words = (brand, ORIGINS[origin % len(ORIGINS)], STYLES[style], WARES[group][role])
    return " ".join(word for word in words if word) + PACKS[variant]


def _write_orders(directory: Path, shop: Shop, *, random: np.random.Generator, size: int) -> None:
    left, first_order = size, 1
    with (directory / "order_products__prior.csv").open("wb") as lines, (directory / "orders.csv").open("wb") as orders:
        lines.write(b"order_id,product_id,add_to_cart_order,reordered\n")
        orders.write(b"order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order\n")
        while left > 0:
            count = min(CHUNK_ORDERS, left)
            order, index, position = (each[:left] for each in _baskets(shop, random, count=count))
            made = int(order[-1]) + 1
            reordered = (random.random(len(order)) < 0.59).astype(np.int64)
            lines.write(_csv(order + first_order, shop.ids[index], position, reordered))
            orders.write(_order_lines(random, first_order, count=made))
            left -= len(order)
            first_order += made


def _baskets(shop: Shop, random: np.random.Generator, *, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Baskets as three columns: order (from 0), index in the catalogue, position in the cart (from 1)."""
    needs = np.minimum(random.geometric(1 / MEAN_NEEDS, count), MAX_NEEDS)
    order = np.repeat(np.arange(count), needs)
    off_theme = random.random(len(order)) < OFF_THEME_SHARE
    theme = np.where(
        off_theme, _draw(random, shop.themes, count=len(order)), _draw(random, shop.themes, count=count)[order]
    )
    first_role = 2 * _draw(random, shop.pairs, count=len(order)) + random.integers(0, 2, len(order))
    variant = _draw(random, shop.variants, count=len(order))
    both = random.random(len(order)) < COMPLEMENT_SHARE
    emitted = np.repeat(np.arange(len(order)), 1 + both)
    second = np.r_[False, emitted[1:] == emitted[:-1]]
    slot = (theme * ROLES)[emitted] + np.where(second, first_role[emitted] ^ 1, first_role[emitted])
    kept = _kept(random, order[emitted], slot=slot, variant=variant[emitted])
    order, index = order[emitted][kept], (slot * VARIANTS + variant[emitted])[kept]
    starts = np.flatnonzero(np.r_[True, order[1:] != order[:-1]])
    position = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)])) + 1
    return order, index, position


def _kept(random: np.random.Generator, order: np.ndarray, *, slot: np.ndarray, variant: np.ndarray) -> np.ndarray:
    """Indices, ascending, of the lines that stay: no product twice in an order, and rarely two variants of one role."""
    key = order * (int(slot.max()) + 1) + slot
    ranked = np.argsort(key, kind="stable")
    first = np.r_[True, key[ranked][1:] != key[ranked][:-1]]
    runner_up = np.r_[False, first[:-1]] & ~first & np.r_[False, variant[ranked][1:] != variant[ranked][:-1]]
    together = random.random(len(key)) < SUBSTITUTE_TOGETHER_SHARE
    return np.sort(ranked[first | (runner_up & together)])


def _order_lines(random: np.random.Generator, first: int, *, count: int) -> bytes:
    order = np.arange(first, first + count)
    number = (order - 1) % ORDERS_PER_USER + 1
    days = np.where(number == 1, -1, random.integers(0, 31, count))
    return _csv(
        order,
        (order - 1) // ORDERS_PER_USER + 1,
        b"prior",
        number,
        random.integers(0, 7, count),
        np.clip(random.normal(13.5, 4.2, count), 0, 23).astype(np.int64),
        days,
    )


def _csv(*columns: np.ndarray | bytes) -> bytes:
    """CSV lines of whole-number columns (a negative number is an empty field) and constant text.

    All digits of a column are computed at once, in a matrix of bytes whose leading zeros are left out: formatting
    line by line would take most of the time.
    """
    count = next(len(each) for each in columns if isinstance(each, np.ndarray))
    parts: list[np.ndarray] = []
    shown: list[np.ndarray] = []
    for index, column in enumerate(columns):
        text, visible = _constant(column, count) if isinstance(column, bytes) else _digits(column)
        end = b"\n" if index == len(columns) - 1 else b","
        separator, always = _constant(end, count)
        parts += [text, separator]
        shown += [visible, always]
    matrix, mask = np.concatenate(parts, axis=1), np.concatenate(shown, axis=1)
    return bytes(matrix[mask].tobytes())


def _constant(text: bytes, count: int) -> tuple[np.ndarray, np.ndarray]:
    shape = (count, len(text))
    return np.broadcast_to(np.frombuffer(text, dtype=np.uint8), shape), np.ones(shape, dtype=bool)


def _digits(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = len(str(int(numbers.max())))
    text, visible = np.empty((len(numbers), width), np.uint8), np.empty((len(numbers), width), bool)
    rest = np.maximum(numbers, 0)
    for column in range(width - 1, -1, -1):
        visible[:, column] = ((rest > 0) | (column == width - 1)) & (numbers >= 0)
        rest, digit = np.divmod(rest, 10)
        text[:, column] = digit + ord("0")
    return text, visible


def _complements(shop: Shop) -> list[tuple[int, int]]:
    """Variant v of role 2p beside variant v of role 2p + 1, by falling popularity of themes, pairs and variants."""
    indices = np.arange(len(shop.ids)).reshape(-1, ROLES // 2, 2, VARIANTS)
    by_popularity = indices.transpose(3, 1, 0, 2).reshape(-1, 2)
    return [(int(shop.ids[a]), int(shop.ids[b])) for a, b in by_popularity.tolist()]


def _substitutes(shop: Shop) -> list[tuple[int, int]]:
    """The two most popular variants of every role, the most popular roles and themes first."""
    indices = np.arange(len(shop.ids)).reshape(-1, ROLES // 2, 2, VARIANTS)[..., :2]
    by_popularity = indices.transpose(1, 0, 2, 3).reshape(-1, 2)
    return [(int(shop.ids[a]), int(shop.ids[b])) for a, b in by_popularity.tolist()]
