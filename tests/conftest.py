"""Fixtures for every test: a cache of the test run's own, and the shipped sample models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import paths
from tests import real_models  # noqa: F401  (reads where the real cache is before the tests get another)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cache and folders. Children inherit the setting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for this test alone."""
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "cache"))
    return paths.cache()


SAMPLE_MODELS = tuple(sorted(path.parent.name for path in paths.sample_models().glob("*/model.onnx")))


@pytest.fixture(params=SAMPLE_MODELS)
def sample_model(request: pytest.FixtureRequest) -> Path:
    """The folder of each shipped sample model in turn: `model.onnx`, `samples.yaml` and data."""
    return paths.sample_models() / request.param


@pytest.fixture
def digit_mlp() -> Path:
    """The smallest sample model, a multi-layer perceptron that reads digits."""
    return paths.sample_models() / "digit_mlp" / "model.onnx"


@pytest.fixture
def image_net() -> Path:
    """A small MobileNetV2 with BatchNormalization, depthwise convolutions and ReLU6."""
    return paths.sample_models() / "image_net" / "model.onnx"


@pytest.fixture
def ranker() -> Path:
    """A click-through ranker over embedding tables."""
    return paths.sample_models() / "ranker" / "model.onnx"


@pytest.fixture
def text_encoder() -> Path:
    """A small transformer encoder over token ids with a dynamic sequence axis."""
    return paths.sample_models() / "text_encoder" / "model.onnx"


@pytest.fixture
def recurrent() -> Path:
    """A network that carries recurrent state from frame to frame."""
    return paths.sample_models() / "recurrent" / "model.onnx"
