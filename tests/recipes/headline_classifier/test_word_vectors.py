"""Word vectors and their agreement with people on word pairs."""

import json
from pathlib import Path

import numpy as np
import pytest

from recipes.headline_classifier.config import CONFIG
from recipes.headline_classifier.network import word_vectors
from tests.recipes.headline_classifier.conftest import QUICK

DATA = Path(__file__).parents[4] / "shared" / "data"
WORDS = ("cat", "dog", "car", "bus")
# Padding and unknown words come first.
VECTORS = np.array([[0, 0], [0, 0], [1, 0], [0.9, 0.1], [0, 1], [0.2, 0.9]], np.float32)


def test_similarity_is_the_rank_correlation_of_known_pairs():
    pairs = [("Cat", "dog", 9.0), ("car", "bus", 8.0), ("cat", "car", 1.0), ("cat", "unicorn", 10.0)]
    assert word_vectors.word_similarity(WORDS, VECTORS, pairs=pairs) == (pytest.approx(1.0), 3)
    turned = [(first, second, -judged) for first, second, judged in pairs]
    assert word_vectors.word_similarity(WORDS, VECTORS, pairs=turned) == (pytest.approx(-1.0), 3)
    assert word_vectors.word_similarity(WORDS, VECTORS, pairs=pairs[:2]) == (0.0, 2)


def test_vectors_come_back_from_text(tmp_path):
    word_vectors.save(WORDS, VECTORS, directory=tmp_path)
    words, vectors = word_vectors.load(tmp_path, 3)
    assert words == ["cat", "dog", "car"]
    assert np.allclose(vectors, VECTORS[2:5])


def test_the_similarity_is_written_where_there_are_pairs(tmp_path):
    assert word_vectors.evaluate_similarity(tmp_path, WORDS, vectors=VECTORS, model_dir=tmp_path) == {}
    pairs = [["cat", "dog", 9.0], ["car", "bus", 8.0], ["cat", "car", 1.0]]
    (tmp_path / word_vectors.WORD_PAIRS_FILE).write_text(json.dumps(pairs))
    found = word_vectors.evaluate_similarity(tmp_path, WORDS, vectors=VECTORS, model_dir=tmp_path)
    assert found == {"word_similarity": pytest.approx(1.0), "word_similarity_pairs": 3.0}
    assert json.loads((tmp_path / word_vectors.SIMILARITY_FILE).read_text())["pairs"] == 3


def test_training_twice_gives_the_same_vectors_and_company_shows(tmp_path):
    random = np.random.default_rng(1)
    groups = (["a1", "a2", "a3", "a4"], ["b1", "b2", "b3", "b4"])
    lines = [" ".join(random.permutation(groups[i % 2])) for i in range(600)]
    (tmp_path / "corpus.txt").write_text("\n".join(lines) + "\n")
    words = tuple(sorted({word for line in lines for word in line.split()}))
    settings = QUICK.__class__(vector_size=8, vector_epochs=20, vector_sampling_threshold=0.0)
    first, second = (
        word_vectors.train_vectors(tmp_path / "corpus.txt", words, hyperparameters=settings, seed=3) for _ in range(2)
    )
    assert np.array_equal(first, second)
    assert not first[:2].any()
    unit = first[2:] / np.linalg.norm(first[2:], axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert cosine[:4, :4].mean() > cosine[:4, 4:].mean() + 0.2


def test_no_words_no_vectors(tmp_path):
    (tmp_path / "corpus.txt").write_text("\n")
    assert word_vectors.train_vectors(tmp_path / "corpus.txt", (), hyperparameters=QUICK, seed=1).shape == (
        2,
        QUICK.vector_size,
    )


@pytest.mark.skipif(not (DATA / "word_similarity").is_dir(), reason="WordSim-353 is not beside the repository")
def test_real_word_pairs_are_read():
    lines = (DATA / "word_similarity" / "wordsim353_combined.csv").read_text().splitlines()[1:]
    pairs = [(a, b, float(score)) for a, b, score in (line.split(",") for line in lines)]
    words = tuple(sorted({each.lower() for a, b, _ in pairs for each in (a, b)}))
    random = np.random.default_rng(0).normal(size=(len(words) + 2, 50))
    correlation, known = word_vectors.word_similarity(words, random, pairs=pairs)
    assert known == 353
    assert abs(correlation) < 0.2
    assert CONFIG.hyperparameters.vector_size == 100
