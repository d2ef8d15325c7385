"""Images: preparation, labels, and refusals."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.errors import SamplesError
from studio.samples.open import open_samples
from tests.studio.samples.models import model_of

RNG = np.random.default_rng(0)
COLOR = "(float[N, 3, 16, 16] x) => (float[N, 3, 16, 16] y) { y = Relu(x) }"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two classes of two 16 x 16 pictures each, in folders."""
    for number in range(4):
        folder = tmp_path / "pictures" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "pictures"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(np.float32)


def test_folders_are_classes_and_values_are_normalized(pictures):
    samples = open_samples(pictures, model_of(COLOR))
    assert samples.labels(np.arange(4)).tolist() == [0, 0, 1, 1]
    first = samples.read(np.array([0]))["x"]
    assert first.shape == (1, 3, 16, 16)
    wanted = (pixels(pictures / "cat" / "1.png") / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(first[0], wanted.transpose(2, 0, 1), atol=1e-5)
    assert samples.describe() == {"name": "pictures", "kind": "images", "count": 4, "random": False}


def test_raw_pixels_for_integer_inputs_and_channels_last(pictures):
    model = model_of("(uint8[N, 16, 16, 3] x) => (uint8[N, 16, 16, 3] y) { y = Identity(x) }")
    value = open_samples(pictures, model).read(np.array([1]))["x"]
    assert value.dtype == np.uint8
    np.testing.assert_array_equal(value[0], pixels(pictures / "cat" / "3.png"))
    swapped = open_samples(pictures, model, order="BGR").read(np.array([1]))["x"]
    np.testing.assert_array_equal(swapped, value[..., ::-1])


def test_gray_flat_and_fixed_batch(pictures):
    flat = model_of("(float[2, 256] x) => (float[2, 256] y) { y = Relu(x) }")
    samples = open_samples(pictures, flat)
    assert samples.fixed_batch == 2
    value = next(iter(samples.batches())).feeds["x"]
    assert value.shape == (2, 256)
    assert 0 <= value.min() <= value.max() <= 1
    single = model_of("(float[3, 16, 16] x) => (float[3, 16, 16] y) { y = Relu(x) }")
    assert open_samples(pictures, single).read(np.array([0]))["x"].shape == (3, 16, 16)


def test_larger_pictures_are_resized_and_the_middle_is_cut_out(tmp_path):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 20:40] = 255
    (tmp_path / "p").mkdir()
    Image.fromarray(picture).save(tmp_path / "p" / "a.png")
    model = model_of(COLOR)
    value = open_samples(tmp_path / "p", model, mean=0.0, std=1.0).read(np.array([0]))["x"]
    assert value.shape == (1, 3, 16, 16)
    assert value[..., 5:11].min() > 0.95
    squeezed = open_samples(tmp_path / "p", model, mean=0.0, std=1.0, resize=0).read(np.array([0]))["x"]
    assert squeezed[..., :3].max() < 0.05


def test_zip_with_labels_by_index_or_file(pictures, tmp_path):
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(4):
            packed.write(pictures / ("cat" if number % 2 else "dog") / f"{number}.png", f"{number}.png")
        packed.writestr("__MACOSX/._0.png", "x")
    model = model_of(COLOR)
    samples = open_samples(archive, model, labels="index")
    assert samples.labels(np.arange(4)).tolist() == [0, 1, 2, 3]
    copy = pickle.loads(pickle.dumps(samples))
    np.testing.assert_array_equal(copy.read(np.array([3]))["x"], samples.read(np.array([3]))["x"])
    (tmp_path / "names.csv").write_text("".join(f"{n}.png,{'even' if n % 2 == 0 else 'odd'}\n" for n in range(4)))
    named = open_samples(archive, model, labels="names.csv")
    assert named.labels(np.arange(4)).tolist() == [0, 1, 0, 1]


def test_labels_that_do_not_match(pictures):
    (pictures / "labels.txt").write_text("0.png 3\n1.png 4\n")
    with pytest.raises(SamplesError) as error:
        open_samples(pictures, model_of(COLOR))
    assert str(error.value) == "2 of 4 images have no label in labels.txt. Complete the file or remove them."
    (pictures / "labels.txt").write_text("a.png 3\n")
    with pytest.raises(SamplesError) as error:
        open_samples(pictures, model_of(COLOR))
    assert str(error.value) == "labels.txt names none of the 4 images. Write one line `file name,label` per image."


def test_images_that_are_not_images(tmp_path):
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"this is text")
    with pytest.raises(SamplesError) as error:
        open_samples(folder, model_of(COLOR))
    why = "its content is not an image"
    assert str(error.value) == f"a.png cannot be read as an image: {why}. Remove or replace it."
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / "a.png")
    (folder / "a.png").write_bytes((folder / "a.png").read_bytes()[:3000])
    with pytest.raises(SamplesError, match=r"^a.png cannot be read as an image: "):
        open_samples(folder, model_of(COLOR))


def test_a_picture_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    (tmp_path / "p").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "p" / "a.png")
    with pytest.raises(SamplesError, match=r"decompression bomb DOS attack\. Remove or replace it\.$"):
        open_samples(tmp_path / "p", model_of(COLOR))


def test_options_that_do_not_fit(pictures, tmp_path):
    cases = {
        "There is no channel order 'GBR'. Use RGB or BGR.": {"order": "GBR"},
        "The option 'mean' does not fit: the images have 3 channels.": {"mean": [1.0, 2.0]},
        "Images of size 20 do not fit input 'x': it takes 16 x 16.": {"size": 20},
        "There is no labels file 'no.csv'. Give a file, `index` or `folders`.": {"labels": "no.csv"},
        "Samples of kind 'images' have no option 'ordr'. Perhaps 'order' is meant.": {"ordr": "RGB"},
        "The option 'resize' must be a whole number, not 1.5.": {"resize": 1.5},
        "There is no task 'guess'. Use one of classification, scores, regression, similarity, ranking, transcription, map.": {
            "task": "guess"
        },
    }
    for words, options in cases.items():
        with pytest.raises(SamplesError) as error:
            open_samples(pictures, model_of(COLOR), **options)
        assert str(error.value) == words
    with pytest.raises(SamplesError) as error:
        open_samples(pictures, model_of("(float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }"))
    assert str(error.value) == "Input 'x' cannot take images: it has 4 values per sample."
    (tmp_path / "empty.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    with pytest.raises(SamplesError, match=r"^empty.zip holds no images\."):
        open_samples(tmp_path / "empty.zip", model_of(COLOR))
    (tmp_path / "no.zip").write_bytes(b"no")
    with pytest.raises(SamplesError) as error:
        open_samples(tmp_path / "no.zip", model_of(COLOR))
    assert str(error.value) == "no.zip is not a zip file. Download or pack it again."


def test_a_picture_is_known_again_under_another_name(pictures, tmp_path):
    samples = open_samples(pictures, model_of(COLOR))
    other = tmp_path / "other" / "bird"
    other.mkdir(parents=True)
    (other / "same.png").write_bytes((pictures / "dog" / "2.png").read_bytes())
    again = open_samples(tmp_path / "other", model_of(COLOR))
    assert [samples.fingerprint(row) == again.fingerprint(0) for row in range(4)] == [False, False, False, True]


def test_rows_and_their_labels_have_a_digest(pictures):
    samples, rows = open_samples(pictures, model_of(COLOR)), np.arange(4)
    whole, first = samples.digest(rows), samples.fingerprint(0)
    assert open_samples(pictures, model_of(COLOR)).digest(rows) == whole != samples.digest(rows[:3])
    (pictures / "dog" / "2.png").rename(pictures / "cat" / "9.png")
    moved = open_samples(pictures, model_of(COLOR))
    assert moved.fingerprint(0) == first
    assert moved.digest(rows) != whole
