"""What is wrong with orders and catalogue, one sentence each, from their figures; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.prod2vec.config import Data
from trainyard.contract.holdout import ROLES


def too_few_orders(found: Mapping[str, float], data: Data) -> tuple[str, ...]:
    """Of fewer orders than are worth a run."""
    if found["orders"] >= data.min_orders:
        return ()
    return (
        f"order_products: expected at least {data.min_orders:,} orders, found {found['orders']:,.0f}; "
        "upload more orders, or lower data.min_orders in run.json.",
    )


def unknown_products(found: Mapping[str, float], data: Data) -> tuple[str, ...]:
    """Of products that the catalogue lacks."""
    unknown, lines = found["unknown_lines"], found["order_lines"]
    if unknown <= data.max_unknown_share * lines:
        return ()
    return (
        f"order_products: expected every product in products.csv (tolerated is {data.max_unknown_share:.2%} of the "
        f"lines), found {unknown:,.0f} of {lines:,.0f} lines with unknown products, such as product_id "
        f"{found['unknown_example']:.0f}; upload the catalogue that belongs to these orders, or raise "
        "data.max_unknown_share in run.json.",
    )


def implausible_share(found: Mapping[str, float], data: Data) -> tuple[str, ...]:
    """Of files that do not belong together, or are not complete."""
    ordered, catalogue = found["ordered_products"], found["catalogue_products"]
    low, high = data.min_ordered_share * catalogue, data.max_ordered_share * catalogue
    if low <= ordered <= high:
        return ()
    return (
        f"order_products: expected between {low:,.0f} and {high:,.0f} distinct products for a catalogue of "
        f"{catalogue:,.0f}, found {ordered:,.0f}; check that both files are complete and belong together, or set "
        "data.min_ordered_share and data.max_ordered_share in run.json.",
    )


def out_of_range(what: str, lowest: float, *, highest: float, limit: int) -> tuple[str, ...]:
    """Of numbers that do not fit where `prepare` puts them; `what` says which."""
    if lowest >= 0 and highest <= limit:
        return ()
    return (f"{what} from 0 to {limit:,}, found {lowest:,.0f} to {highest:,.0f}; renumber them and upload both files.",)


def too_few_baskets(found: Mapping[str, float], data: Data) -> tuple[str, ...]:
    """Of orders of which none makes a basket of one of the roles."""
    baskets = [found[f"{role}_baskets"] for role in ROLES]
    if min(baskets) >= 1:
        return ()
    shown = ", ".join(f"{each:,.0f}" for each in baskets)
    return (
        f"order_products: expected orders of at least {data.min_basket} different products of products.csv to train "
        f"on, to choose settings by and to evaluate on, found {shown} among {found['orders']:,.0f} orders; upload more "
        "such orders, or raise data.validation_fraction and data.holdout_fraction in run.json.",
    )
