"""Post-processes product vectors: tables, neighbours, a map and the sections of the report; runs in processing."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from recipes.prod2vec.basket_section import basket_sections
from recipes.prod2vec.config import Config
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.plots import MAP_PRODUCTS, product_map, training_curves
from recipes.prod2vec.precomputed_neighbours import PrecomputedNeighbours
from trainyard.contract.projection import tsne_beside
from trainyard.contract.ranking import blocks
from trainyard.contract.report import ReportInputs, Section, Table, write_highlights
from trainyard.contract.training.curves import CURVES_FILE

EMBEDDINGS = "embeddings"
NEIGHBOURS_FILE = "neighbours.parquet"
NEIGHBOURS = 10
SEARCHED_PRODUCTS = 5_000
# A third of the time of the usual one, for files a tenth larger.
COMPRESSION_LEVEL = 1
SHOWN_PRODUCTS = 12
SHOWN_NEIGHBOURS = 5
HIGHLIGHTED_PRODUCTS = 3
MAP_FILE = "map.png"


def report(inputs: ReportInputs, outputs: Path, *, config: Config) -> list[Section]:
    """Write the files below to `outputs`, and return the sections of the report.

    * `embeddings.parquet` and `embeddings.csv.gz`: index, product_id, product_name, v0, v1, ...
    * `neighbours.parquet`: the ten nearest products of every product, by cosine; of a shop so large that training found
      none, those of the `SEARCHED_PRODUCTS` most frequent ones. Bulk scoring has those of all.
    * `highlights.json`: the ten nearest products of a few frequent ones: `title`, `columns`, `rows` to print.
    * `map.png`: the most frequent products in two dimensions.
    """
    vectors = ProductVectors.load(inputs.model)
    with tsne_beside(vectors.unit_vectors[:MAP_PRODUCTS], config.seed) as points:
        _write_embeddings(vectors, outputs)
        _write_neighbours(vectors, inputs.model, path=outputs / NEIGHBOURS_FILE)
        nearest, training = _nearest_table(vectors), _training_section(inputs.model, vectors)
        write_highlights(_highlights(vectors), outputs)
    figure = product_map(vectors, points.result())
    (outputs / MAP_FILE).write_bytes(figure.png)
    return [
        Section(
            title="Nearest products",
            text="The most frequent products and those with the most similar vectors, with the cosine of the two: they "
            "are bought in the same company, and often stand in for each other.",
            tables=(nearest,),
        ),
        *basket_sections(inputs.model, vectors),
        Section(title="Map of products", text=_map_text(vectors), figures=(figure,)),
        *training,
    ]


def embedding_table(vectors: ProductVectors, rows: slice) -> pa.Table:
    """Columns index, product_id, product_name, v0, v1, ... of some of the products."""
    vocabulary = vectors.vocabulary
    columns: dict[str, pa.Array] = {
        "index": pa.array(np.arange(len(vocabulary))[rows]),
        "product_id": vocabulary.keys[rows],
        "product_name": pa.array(vocabulary.names[rows], pa.string()),
    }
    by_dimension = np.ascontiguousarray(vectors.target[rows].T)
    return pa.table(columns | {f"v{index}": pa.array(values) for index, values in enumerate(by_dimension)})


def _write_embeddings(vectors: ProductVectors, outputs: Path) -> None:
    first = embedding_table(vectors, slice(0, 0))
    with (
        pq.ParquetWriter(outputs / f"{EMBEDDINGS}.parquet", first.schema) as parquet,
        gzip.GzipFile(outputs / f"{EMBEDDINGS}.csv.gz", "wb", COMPRESSION_LEVEL, mtime=0) as stream,
        pa_csv.CSVWriter(stream, first.schema) as text,
    ):
        for block in blocks(len(vectors.vocabulary), 8 * vectors.target.shape[1]):
            table = embedding_table(vectors, block)
            parquet.write_table(table)
            text.write_table(table)


def _write_neighbours(vectors: ProductVectors, model_dir: Path, *, path: Path) -> None:
    schema = pa.schema(
        [
            ("product_id", pa.string()),
            ("rank", pa.int64()),
            ("neighbour_id", pa.string()),
            ("neighbour_name", pa.string()),
            ("cosine", pa.float32()),
        ]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for batch in _neighbour_batches(vectors, PrecomputedNeighbours.load(model_dir), schema=schema):
            writer.write_table(batch)


def _neighbour_batches(
    vectors: ProductVectors, known: PrecomputedNeighbours | None, *, schema: pa.Schema
) -> Iterator[pa.Table]:
    vocabulary = vectors.vocabulary
    names = np.asarray(vocabulary.names, dtype=object)
    for block in blocks(len(vocabulary) if known else min(len(vocabulary), SEARCHED_PRODUCTS), len(vocabulary)):
        indices = np.arange(len(vocabulary))[block]
        neighbours, cosines = _nearest(vectors, known, indices=indices)
        count = neighbours.shape[1]
        columns = (
            np.repeat(vocabulary.product_ids[indices], count),
            np.tile(np.arange(1, count + 1), len(indices)),
            vocabulary.product_ids[neighbours.ravel()],
            names[neighbours.ravel()],
            cosines.ravel(),
        )
        yield pa.table([pa.array(each, field.type) for each, field in zip(columns, schema, strict=True)], schema=schema)


def _nearest(
    vectors: ProductVectors, known: PrecomputedNeighbours | None, *, indices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Indices and cosines [products, neighbours] of the products most like each, found in training if known."""
    if known:
        return known.indices[indices, :NEIGHBOURS], known.cosines[indices, :NEIGHBOURS]
    found = vectors.similar_many(indices, NEIGHBOURS)
    return np.stack([each for each, _ in found]), np.stack([cosines for _, cosines in found])


def _nearest_table(vectors: ProductVectors) -> Table:
    names = vectors.vocabulary.names
    shown = np.arange(min(SHOWN_PRODUCTS, len(names)))
    found = vectors.similar_many(shown, SHOWN_NEIGHBOURS)
    rows = [
        (names[index], *(f"{names[other]} ({cosine:.2f})" for other, cosine in zip(*nearest, strict=True)))
        for index, nearest in zip(shown.tolist(), found, strict=True)
    ]
    columns = ("product", *(f"nearest {rank + 1}" for rank in range(len(rows[0]) - 1)))
    return Table(columns=columns, rows=rows)


def _highlights(vectors: ProductVectors) -> Table:
    """One column per product: the most frequent one of each of the first departments, then the most frequent ones."""
    names, departments = vectors.vocabulary.names, vectors.vocabulary.departments
    _, first = np.unique(np.asarray(departments), return_index=True)
    others = np.setdiff1d(np.arange(len(names))[: 2 * HIGHLIGHTED_PRODUCTS], first)
    shown = np.sort(np.concatenate([np.sort(first), others])[:HIGHLIGHTED_PRODUCTS])
    columns = [
        [f"{names[other]} ({cosine:.2f})" for other, cosine in zip(*nearest, strict=True)]
        for nearest in vectors.similar_many(shown, NEIGHBOURS)
    ]
    return Table(
        caption="Ten nearest products (cosine)",
        columns=tuple(names[index] for index in shown.tolist()),
        rows=list(zip(*columns, strict=True)),
    )


def _map_text(vectors: ProductVectors) -> str:
    shown = min(MAP_PRODUCTS, len(vectors.vocabulary))
    colours = "; colours are departments" if any(vectors.vocabulary.departments) else ""
    return (
        f"t-SNE of the vectors of the {shown:,} most frequent products, by cosine distance{colours}. "
        "Products close to each other are bought in similar company; distances between far groups mean little."
    )


def _training_section(model_dir: Path, vectors: ProductVectors) -> tuple[Section, ...]:
    """Curves of the training, where the model came with them."""
    if not (model_dir / CURVES_FILE).exists():
        return ()
    name = vectors.similarity.replace("_", "-")
    text = f"The vectors alone find next products best by {name}."
    return (Section(title="Training", text=text, figures=(training_curves(model_dir),)),)
