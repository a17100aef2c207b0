"""What is wrong with orders and catalogue, and what is worth knowing of them, one sentence each; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.prod2vec.config import Data
from trainyard.contract.holdout import ROLES
from trainyard.contract.quoting import quoted

Figures = Mapping[str, float]


def too_few_orders(found: Figures, data: Data) -> tuple[str, ...]:
    """Of fewer orders than are worth a run."""
    if found["orders"] >= data.min_orders:
        return ()
    left_out = f", with {_cancelled(found)} left out" if found["cancelled_lines"] else ""
    return (
        f"order_products: expected at least {data.min_orders:,} orders, found {found['orders']:,.0f}{left_out}; "
        "upload more orders, or lower data.min_orders in run.json.",
    )


def too_many_products(found: Figures, limit: int) -> tuple[str, ...]:
    """Of more products than `prepare` has numbers for."""
    if found["products"] <= limit:
        return ()
    return (
        f"order_products: expected at most {limit:,} different products, found {found['products']:,.0f}; "
        "check that files.order_products.columns in run.json names the column with the products.",
    )


def foreign_catalogue(found: Figures, data: Data, *, example: str) -> tuple[str, ...]:
    """Of a catalogue that belongs to other orders."""
    if found.get("unknown_lines", 0) <= data.max_unknown_share * found["order_lines"]:
        return ()
    return (
        f"products: expected the products of at least {1 - data.max_unknown_share:.0%} of the order lines, found "
        f"{_unknown(found, example)}; upload the catalogue that belongs to these orders, upload the orders alone, or "
        "raise data.max_unknown_share in run.json.",
    )


def too_few_baskets(found: Figures, data: Data) -> tuple[str, ...]:
    """Of orders of which none makes a basket of one of the roles."""
    if found["largest_order"] < 2:
        return (
            f"order_products: no order has two products or more: expected orders of several products, for what is "
            f"bought together is all that can be learned, found {found['orders']:,.0f} orders of one product each; "
            "check that the column of the orders is the right one (files.order_products.columns in run.json), or "
            "upload whole orders.",
        )
    baskets = [found[f"{role}_baskets"] for role in ROLES]
    if min(baskets) >= 1:
        return ()
    shown = ", ".join(f"{each:,.0f}" for each in baskets)
    return (
        f"order_products: expected orders of at least {data.min_basket} different products to train on, to choose "
        f"settings by and to evaluate on, found {shown} among {found['orders']:,.0f} orders; upload more "
        "such orders, or raise data.validation_fraction and data.holdout_fraction in run.json.",
    )


def cancelled_lines(found: Figures) -> tuple[str, ...]:
    """Of lines that are no purchases."""
    if not found["cancelled_lines"]:
        return ()
    return (
        f"order_products: {_cancelled(found)} are left out: a quantity of 0 or less, or an order number such as "
        "C536379 among plain numbers; set data.leave_out_cancelled to false in run.json if these are purchases.",
    )


def unlisted_products(found: Figures, *, example: str) -> tuple[str, ...]:
    """Of products that the catalogue lacks, and that are used all the same."""
    if not found.get("unknown_lines"):
        return ()
    return (
        f"products: found {_unknown(found, example)}; they are used, under their names in the orders or their ids.",
    )


def implausible_share(found: Figures, data: Data) -> tuple[str, ...]:
    """Of files that may not belong together, or may not be complete."""
    if "catalogue_products" not in found:
        return ()
    ordered, catalogue = found["ordered_products"], found["catalogue_products"]
    low, high = data.min_ordered_share * catalogue, data.max_ordered_share * catalogue
    if low <= ordered <= high:
        return ()
    return (
        f"order_products: expected between {low:,.0f} and {high:,.0f} distinct products for a catalogue of "
        f"{catalogue:,.0f}, found {ordered:,.0f}; check that both files are complete and belong together.",
    )


def places_out_of_range(found: Figures, limit: int) -> tuple[str, ...]:
    """Of places in the cart that are no places."""
    lowest, highest = found["lowest_place"], found["highest_place"]
    if lowest >= 0 and highest <= limit:
        return ()
    return (
        f"order_products: expected add_to_cart_order from 0 to {limit:,}, found {lowest:,.0f} to {highest:,.0f}; "
        "products beyond are taken for the first or the last of their order.",
    )


def _cancelled(found: Figures) -> str:
    lines, orders = found["cancelled_lines"], found["cancelled_orders"]
    return f"{lines:,.0f} cancelled lines ({orders:,.0f} orders have no other ones)"


def _unknown(found: Figures, example: str) -> str:
    unknown, lines, products = found["unknown_lines"], found["order_lines"], found["unknown_products"]
    return (
        f"{unknown:,.0f} of {lines:,.0f} order lines with {products:,.0f} products that it lacks, such as "
        f"{quoted(example)}"
    )
