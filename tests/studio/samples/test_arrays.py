"""Arrays: mapping, labels, and files that must not be read."""

from __future__ import annotations

import gc
import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from studio.errors import SamplesError
from studio.samples import ArraySamples
from studio.samples.open import open_samples
from tests.studio.samples.models import model_of

PAIR = "(float[N, 3] x, int64[N] k) => (float[N, 3] y, int64[N] l) { y = Relu(x) l = Identity(k) }"
ONE = "(float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }"
X = np.arange(12.0).reshape(4, 3)


def refusal(path: Path, graph: str = ONE, **options) -> str:
    with pytest.raises(SamplesError) as error:
        open_samples(path, model_of(graph), **options)
    return str(error.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_by_name_with_labels(tmp_path, save):
    save(tmp_path / "data.npz", x=X, k=np.arange(4), y=np.array([1, 0, 1, 0]))
    samples = open_samples(tmp_path / "data.npz", model_of(PAIR))
    feeds = samples.read(np.array([2, 3]))
    np.testing.assert_array_equal(feeds["x"], X[2:].astype(np.float32))
    assert feeds["x"].dtype == np.float32
    assert feeds["k"].tolist() == [2, 3]
    assert samples.labels(np.array([2, 3])).tolist() == [1, 0]
    parts = samples.rows("calibration"), samples.rows("evaluation")
    assert sorted(np.concatenate(parts)) == [0, 1, 2, 3]


def test_unpacked_files_go_with_the_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    np.savez(tmp_path / "data.npz", x=X)
    samples = open_samples(tmp_path / "data.npz", model_of(ONE))
    assert len(list(tmp_path.glob("studio-*"))) == 1
    del samples
    gc.collect()
    assert not list(tmp_path.glob("studio-*"))
    refusal(tmp_path / "data.npz", labels="z")
    assert not list(tmp_path.glob("studio-*"))


def test_one_array_for_the_only_input_and_labels_beside(tmp_path):
    np.save(tmp_path / "data.npy", X)
    np.save(tmp_path / "data_labels.npy", np.array([0.5, 1.5, 2.5, 3.5]))
    samples = open_samples(tmp_path / "data.npy", model_of(ONE))
    assert samples.labels(np.array([3])).tolist() == [3.5]
    assert samples.task is not None


def test_pixels_for_a_float_input_are_doubted(tmp_path):
    np.save(tmp_path / "data.npy", X.astype(np.uint8))
    (warning,) = open_samples(tmp_path / "data.npy", model_of(ONE)).warnings
    words = "The array for input 'x' holds uint8 and the input takes floats: if these are pixels, scale them first."
    assert warning == words


def test_arrays_that_do_not_fit(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, k=np.arange(5))
    assert refusal(tmp_path / "a.npz", PAIR) == "The arrays of a.npz do not have the same number of rows: x 4, k 5."
    np.savez(tmp_path / "a.npz", x=X[:, :2], labels=np.arange(4))
    assert refusal(tmp_path / "a.npz") == "The samples do not fit input 'x': a row has the shape [2] and the input wants [3]."
    np.savez(tmp_path / "a.npz", x=X, k=np.full(4, 0.5))
    assert refusal(tmp_path / "a.npz", PAIR) == "The samples do not fit input 'k': it takes int64 and they are float64."
    np.savez(tmp_path / "a.npz", z=X, w=X)
    words = "a.npz has no array for input 'x'. Name the arrays as the inputs, or map them; it has: z, w."
    assert refusal(tmp_path / "a.npz") == words
    assert open_samples(tmp_path / "a.npz", model_of(ONE), columns={"x": "w"}).count == 4
    assert refusal(tmp_path / "a.npz", columns={"x": "v"}) == "a.npz has no array 'v'. It has: z, w."
    np.savez(tmp_path / "a.npz", x=X[:0])
    assert refusal(tmp_path / "a.npz") == "a.npz holds no rows."
    np.savez(tmp_path / "a.npz", x=np.full((4, 3), "a"))
    assert refusal(tmp_path / "a.npz") == "The samples for input 'x' are not numbers: they are <U1."


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}, []], dtype=object))
    words = "a.npy is refused: it holds Python objects, and reading those can run code. Save plain numbers."
    assert refusal(tmp_path / "a.npy") == words


def test_damaged_files(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"no array")
    assert refusal(tmp_path / "a.npy") == "a.npy is not a NumPy array. Save it with numpy.save."
    np.save(tmp_path / "a.npy", X)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    assert refusal(tmp_path / "a.npy") == "a.npy is not a complete NumPy array. Save it again with numpy.save."
    (tmp_path / "a.npz").write_bytes(b"no zip")
    assert refusal(tmp_path / "a.npz") == "a.npz cannot be read: File is not a zip file. Save it again."
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "x")
    assert refusal(tmp_path / "a.npz") == "a.npz holds no arrays. Save them with numpy.savez."


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.samples.arrays._MOST_RATIO", 100)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((100_000, 3)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", buffer.getvalue())
    size = (tmp_path / "a.npz").stat().st_size
    assert refusal(tmp_path / "a.npz") == f"a.npz is refused: {size:,} bytes claim to hold 2,400,128. Save it again."


def test_few_rows_are_spread_evenly_over_sorted_data():
    labels = np.repeat(np.arange(10), 50)
    samples = ArraySamples("sorted", {"x": np.zeros((500, 2), np.float32)}, labels, calibration_share=0.2)
    for part in ("calibration", "evaluation", "all"):
        found = [batch.labels for batch in samples.batches(1, part, 20)]
        assert len(found) == 20
        assert set(np.concatenate(found)) == set(range(10))
        assert np.isin(samples.rows(part, 20), samples.rows(part)).all()
    assert len(samples.rows("all", 0)) == 0
    pairs = ArraySamples("pairs", {"x": np.zeros((500, 2), np.float32)}, labels, blocks=np.arange(500) // 2)
    np.testing.assert_array_equal(pairs.rows("all", 4), range(4))
