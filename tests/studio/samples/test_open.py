"""Descriptions in YAML, and telling kinds of samples apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from studio.errors import SamplesError
from studio.formats import load
from studio.samples import open as opening
from studio.samples.open import open_samples
from tests.studio.samples.models import model_of

GRAPH = "(float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }"


@pytest.fixture
def described(tmp_path: Path) -> Path:
    np.savez(tmp_path / "data.npz", x=np.eye(3).repeat(10, 0), y=np.arange(3).repeat(10))
    return tmp_path / "samples.yaml"


def opened(path: Path, text: str, **options):
    path.write_text(text)
    return open_samples(path, model_of(GRAPH), **options)


def refusal(path: Path, text: str, **options) -> str:
    with pytest.raises(SamplesError) as error:
        opened(path, text, **options)
    return str(error.value)


def test_a_description(described):
    samples = opened(
        described,
        "path: data.npz\nname: three ones\ntask: classification\nmetrics: [top-1, f1]\noutput: y\n"
        "calibration: {share: 0.5, max: 7}\nseed: 3\n",
    )
    assert samples.name == "three ones"
    assert (samples.task.kind, samples.task.metrics, samples.task.output) == ("classification", ("top-1", "f1"), "y")
    assert len(samples.rows("calibration")) == 7
    assert len(samples.rows("evaluation")) == 23
    again = opened(described, "path: data.npz\ncalibration: {max: 7}\n", seed=3, name="named")
    assert again.name == "named"
    again_rows = opened(described, "path: data.npz\ncalibration: {share: 0.5, max: 7}\n", seed=3).rows("calibration")
    np.testing.assert_array_equal(samples.rows("calibration"), again_rows)
    other = opened(described, "path: data.npz\ncalibration: {share: 0.5, max: 7}\n", seed=4).rows("calibration")
    assert other.tolist() != again_rows.tolist()


def test_every_shipped_description_opens(sample_model):
    model = load(sample_model / "model.onnx")
    samples = open_samples(sample_model, model)
    assert samples.count >= 1000
    assert samples.warnings == ()
    assert samples.task is not None
    assert set(samples.describe()) == {"name", "kind", "count", "random"}
    feeds = next(iter(samples.batches(4))).feeds
    assert set(feeds) == {port.name for port in model.inputs}


def test_every_key_of_the_reference_is_known():
    """The document at the top of the module is the reference: every key in it can be used, and every key is in it."""
    block = "\n".join(line.strip() for line in opening.__doc__.splitlines() if line.startswith("    "))
    named = {line.split(":")[0] for line in block.splitlines() if ":" in line and not line.startswith("#")}
    known = {*opening._COMMON, *opening._OF_TASK}
    for opener in opening._OPENERS.values():
        known |= {n for n, p in opening.inspect.signature(opener).parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert named == known
    yaml.safe_load(block.split("# images")[0])


def test_descriptions_that_cannot_stand(described):
    assert refusal(described, "path: [") == "samples.yaml is not valid YAML: line 1."
    assert refusal(described, "- a\n") == "samples.yaml does not describe samples. Write at least `path: FOLDER OR FILE`."
    words = "The path 'no.npz' does not exist. Paths are relative to the description."
    assert refusal(described, "path: no.npz\n") == words
    assert refusal(described, "path: data.npz\nlabel: z\n") == (
        "Samples of kind 'arrays' have no option 'label'. Perhaps 'labels' is meant."
    )
    assert refusal(described, "path: data.npz\nkind: video\n") == (
        "There is no kind of samples 'video'. Use one of images, audio, arrays, table, text."
    )
    words = "The calibration share must be between 0 and 1, not 2."
    assert refusal(described, "path: data.npz\ncalibration: {share: 2}\n") == words
    assert refusal(described, "path: data.npz\nseed: x\n") == "The seed must be a whole number of at least 0, not 'x'."
    assert refusal(described, "path: data.npz\ncalibration: 3\n") == "`calibration` is not valid. Write {share: 0.2, max: 300}."
    assert refusal(described, "path: data.npz\nlabels: z\n") == "data.npz has no array 'z'. It has: x, y."
    words = "The option 'settings' must be a mapping, not [1]."
    assert refusal(described, "path: data.npz\nsettings: [1]\n") == words


def test_no_file_can_name_code(described):
    words = "`metrics` is not a list of names. A function can only be named on the command line."
    assert refusal(described, "path: data.npz\nmetrics: ['os:system']\n") == words
    assert refusal(described, "path: !!python/object/apply:os.system [true]\n").startswith("samples.yaml is not valid YAML")


def test_what_is_no_samples(tmp_path):
    model = model_of(GRAPH)
    with pytest.raises(SamplesError) as error:
        open_samples(tmp_path / "none", model)
    assert str(error.value) == f"{tmp_path / 'none'} does not exist. Check the path."
    with pytest.raises(SamplesError) as error:
        open_samples(tmp_path, model)
    words = f"{tmp_path.name} holds no images and no WAV files. Give a folder or file with samples."
    assert str(error.value) == words
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(SamplesError) as error:
        open_samples(tmp_path / "a.bin", model)
    words = "Give images, WAV files, .npz, .npy, .csv, .parquet, .txt or a .yaml description"
    assert str(error.value) == f"a.bin is of no known kind. {words}."
