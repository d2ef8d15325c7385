"""What a model's inputs mean, and random samples that every model runs on."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from studio.errors import SamplesError
from studio.formats import load
from studio.measure.inference import run_samples
from studio.measure.session import open_session
from studio.samples.inputs import Feeder, default_axes, fixed_batch, inputs_of, state_of
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from tests import real_models
from tests.studio.samples.models import model_of

SMALL = [
    *(lambda n=n: real_models.silero(n) for n in real_models.SILERO),
    *(lambda n=n: real_models.rapidocr(n) for n in real_models.RAPIDOCR),
    *(lambda n=n: real_models.recommender(n) for n in real_models.RECOMMENDERS),
    *(lambda n=n: real_models.light(n) for n in ("squeezenet", "shufflenet")),
]
NAMES = [*real_models.SILERO, *real_models.RAPIDOCR, *real_models.RECOMMENDERS, "squeezenet", "shufflenet"]


def runs(path: Path) -> None:
    model = load(path)
    session = open_session(model)
    samples = random_samples(model, 3, seed=1)
    for size in (1, 2):
        batches = list(run_samples(session, samples, batch_size=size))
        assert sum(len(batch.rows) for batch, _ in batches) == 3
        for _, outputs in batches:
            assert all(np.isfinite(v).all() for v in outputs.values())


@pytest.mark.parametrize("path", SMALL, ids=NAMES)
def test_random_samples_run_on_real_models(path):
    runs(path())


def test_random_samples_run_on_sample_models(sample_model):
    runs(sample_model / "model.onnx")


def test_random_rows_do_not_depend_on_batches(ranker):
    model = load(ranker)
    one, other = random_samples(model, 4, seed=7), random_samples(model, 4, seed=7)
    whole = one.read(np.arange(4))
    for row in range(4):
        for name, value in other.read(np.array([row])).items():
            np.testing.assert_array_equal(value[0], whole[name][row])
    assert one.random
    assert one.describe() == {"name": "random inputs", "kind": "random", "count": 4, "random": True}


def test_silero_has_state_and_a_rate():
    model = load(real_models.silero("silero_vad"))
    assert state_of(model) == {"state": "stateN"}
    rate = next(one for one in inputs_of(model) if one.name == "sr")
    assert (rate.role, rate.value, rate.axis) == ("setting", 16000, None)
    feeds = random_samples(model, 2).read(np.arange(2))
    assert feeds["sr"].shape == ()
    assert feeds["sr"].dtype == np.int64
    assert feeds["state"].shape == (2, 2, 128)
    assert not feeds["state"].any()


def test_steps_on_the_first_axis_share_one_state():
    model = load(real_models.silero("silero_vad_16k_sequence"))
    assert state_of(model) == {"h": "hn", "c": "cn"}
    assert [one.axis for one in inputs_of(model)] == [0, None, None]


def test_attention_mask_is_ones_and_ids_stay_in_the_table(text_encoder):
    model = load(text_encoder)
    ids, mask = inputs_of(model)
    assert (ids.role, ids.high.tolist(), mask.role) == ("index", [4000], "mask")
    feeds = random_samples(model, 20).read(np.arange(20))
    assert feeds["attention_mask"].all()
    assert feeds["input_ids"].max() < 4000
    assert feeds["input_ids"].shape == feeds["attention_mask"].shape == (20, 32)


TABLES = """(int64[N, 3] x) => (float[N, 8] y)
<int64[3] shift = {0, 5, 0}, int64 c0 = {0}, int64 c1 = {1}, int64[1] s = {2}, int64[1] e = {3}, int64[1] axis = {1},
 float[4, 2] a = {0,0,0,0,0,0,0,0}, float[7, 3] b = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0},
 float[9, 3] c = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}> {
    moved = Add(x, shift)
    i = Gather <axis = 1>(moved, c0)
    j = Gather <axis = 1>(moved, c1)
    k2 = Slice(moved, s, e, axis)
    k = Squeeze(k2, axis)
    p = Gather(a, i)
    q = Gather(b, j)
    r = Gather(c, k)
    y = Concat <axis = 1>(p, q, r)
}"""


def test_columns_that_go_to_different_tables_get_their_own_bound():
    model = model_of(TABLES)
    (x,) = inputs_of(model)
    assert x.role == "index"
    assert x.high.tolist() == [4, 2, 9]  # 7 rows, of which an offset of 5 leaves 2
    values = random_samples(model, 200).read(np.arange(200))["x"]
    assert (values.max(0) == [3, 1, 8]).all()
    open_session(model).run({"x": values})


def test_one_hot_bounds_its_input():
    model = model_of(
        "(int64[N] x) => (float[N, 6] y) <int64 depth = {6}, float[2] values = {0, 1}> { y = OneHot(x, depth, values) }"
    )
    assert inputs_of(model)[0].high.tolist() == [6]


def test_axes_of_one_name_agree_and_can_be_given():
    model = model_of("(float[N, T, 4] x, float[N, T, 4] z) => (float[N, T, 4] y) { y = Add(x, z) }")
    assert default_axes(model, 2) == {"x": (2, 32, 4), "z": (2, 32, 4)}
    assert default_axes(model, 2, {"T": 5}) == {"x": (2, 5, 4), "z": (2, 5, 4)}


def test_a_size_the_graph_cannot_take_is_not_chosen():
    model = model_of(
        """(float[N, 3, H, W] x) => (float[N, 3, W] y) <int64[1] axis = {2}> {
            p = MaxPool <kernel_shape = [32, 1], strides = [32, 1]>(x)
            y = Squeeze(p, axis)
        }"""
    )
    assert default_axes(model) == {"x": (1, 3, 32, 224)}


def test_fixed_batch_is_filled():
    model = model_of("(float[4, 2] x) => (float[4, 2] y) { y = Relu(x) }")
    samples = random_samples(model, 6)
    assert samples.fixed_batch == fixed_batch(inputs_of(model)) == 4
    results = list(run_samples(open_session(model), samples))
    assert [len(out["y"]) for _, out in results] == [4, 2]


def test_single_image_has_no_axis_for_samples():
    model = model_of("(float[3, 32, 48] x) => (float[3, 32, 48] y) { y = Relu(x) }")
    assert inputs_of(model)[0].axis is None
    samples = random_samples(model, 2)
    assert samples.fixed_batch == 1
    assert samples.read(np.array([1]))["x"].shape == (3, 32, 48)


def test_images_are_no_state():
    model = model_of("(float[N, 3, 8, 8] image) => (float[N, 3, 8, 8] image_out2) { image_out2 = Relu(image) }")
    assert state_of(model) == {}


def test_types_that_cannot_be_made_up_are_refused():
    model = model_of("(string[N] x) => (string[N] y) { y = Identity(x) }")
    with pytest.raises(SamplesError) as error:
        random_samples(model)
    assert str(error.value) == "The input 'x' has type string, which cannot be fed. Export the model without it."


def test_feeder_refuses_unknown_names(recurrent):
    model = load(recurrent)
    with pytest.raises(SamplesError) as error:
        Feeder(model, {"rate": 8000})
    assert str(error.value) == "The model has no input 'rate'. Its inputs are: audio, h, c."
    with pytest.raises(SamplesError) as error:
        Feeder(model, state={"h": "hm"})
    assert str(error.value) == "The model has no output 'hm'. Its outputs are: speech, hn, cn."
    feeder = Feeder(model, {"h": 0.5})
    assert (feeder.feeds({"audio": np.zeros((2, 256))}, 2)["h"] == 0.5).all()
    with pytest.raises(SamplesError) as error:
        feeder.feeds({}, 1)
    assert str(error.value) == "The samples have no values for input 'audio'. Map a column or array to it."


def test_a_mask_that_is_not_given_fits_the_data(text_encoder):
    feeder = Feeder(load(text_encoder))
    feeds = feeder.feeds({"input_ids": np.zeros((2, 7), np.int64)}, 2)
    assert feeds["attention_mask"].shape == (2, 7)
    assert feeds["attention_mask"].all()


def test_samples_cross_process_boundaries(sample_model):
    model = load(sample_model / "model.onnx")
    for samples in (random_samples(model, 2), open_samples(sample_model / "samples.yaml", model)):
        copy = pickle.loads(pickle.dumps(samples))
        rows = np.arange(2)
        for name, value in samples.read(rows).items():
            np.testing.assert_array_equal(copy.read(rows)[name], value)
