"""What is done on each engine to compare them: `python -m tests.ingest.both ENGINE FOLDER`.

Spark gets a process of its own: its bridge to Java leaves sockets and warnings behind that would disturb other tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ibis

from recipes.prod2vec.config import CONFIG
from recipes.prod2vec.prepare import check, prepare
from trainyard.contract.holdout import fraction_of, role_of
from trainyard.glue import engine
from trainyard.run.settings.overrides import override

SHARES = {"holdout": 0.1, "validation": 0.05, "salt": "test"}
SETTINGS = {"data": {"top_products": 50, "max_basket": 6, "max_unknown_share": 0.5}}


def work(name: str, folder: Path) -> None:
    """Read `<folder>/in/<table>.parquet`; write prepared tables, splits and figures to `<folder>/<engine>/`."""
    scratch = folder / f"scratch-{name}"
    scratch.mkdir()
    running = engine.start(name, scratch)
    tables = {path.stem: running.read([str(path)]) for path in sorted((folder / "in").glob("*.parquet"))}
    config = override(CONFIG, SETTINGS)
    out = folder / name
    out.mkdir()
    quality = check(tables, config)
    (out / "quality.json").write_text(json.dumps([quality.problems, dict(sorted(quality.figures.items()))]))
    results = prepare(tables, config)
    text = prepare(_as_text(tables["order_products"]), config)
    results |= {f"text_{table}": expression for table, expression in text.items()}
    numbers, words = tables["numbers"].key, tables["words"].key
    results["words"] = tables["words"].mutate(fraction=fraction_of(words, "test"), role=role_of(words, **SHARES))
    results["numbers"] = tables["numbers"].mutate(
        fraction=fraction_of(numbers, "test"), role=role_of(numbers, **SHARES)
    )
    # Files of one table, of which the second has a column more.
    results["parts"] = running.read(
        [str(folder / "in" / f"{each}.parquet") for each in ("numbers", "numbers_and_notes")]
    )
    for table, expression in results.items():
        running.write(expression, str(out / table))
    running.close()


def _as_text(lines: ibis.Table) -> dict[str, ibis.Table]:
    """The same orders under keys with letters, without a catalogue, some of them cancelled, some places unknown."""
    order, product = lines.order_id.cast("string"), lines.product_id.cast("string")
    returned = lines.product_id % 10 == 3
    text = lines.select(
        order_id=ibis.ifelse(lines.order_id % 10 == 1, "C", "") + order,
        product_id=ibis.literal("P-") + product,
        add_to_cart_order=ibis.ifelse(lines.product_id % 7 == 0, ibis.null("int64"), lines.add_to_cart_order),
        quantity=ibis.ifelse(returned, "-1", "1"),
        product_name=ibis.ifelse(lines.order_id % 3 == 0, " Näme ", "Other ") + product,
        department_id=ibis.ifelse(lines.order_id % 3 == 0, "", "B"),
    )
    return {"order_products": text}


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]))
