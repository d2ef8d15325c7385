"""Every architecture of the zoo: its family, its inputs, and how it is exported. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Input:
    """One input, without its batch axis.

    Attributes:
        shape: of one row.
        below: int64 indices below this; 0 for float32.
        mask: ones with a padded end of another length in every row, int64.
    """

    shape: tuple[int, ...]
    below: int = 0
    mask: bool = False

    def values(self, batch: int, random: np.random.Generator) -> np.ndarray:
        shape = (batch, *self.shape)
        if self.mask:
            lengths = random.integers(self.shape[-1] // 2, self.shape[-1] + 1, (batch, 1))
            return (np.arange(self.shape[-1]) < lengths).astype(np.int64)
        return random.integers(0, self.below, shape) if self.below else random.standard_normal(shape, np.float32)


@dataclass(frozen=True)
class Entry:
    """One architecture.

    Attributes:
        family: module of this package that has the function `build`.
        options: what `build` is called with.
        inputs: by name, in the order of the module's arguments.
        batch: rows it is traced with, and takes unless `dynamic`.
        opset: version asked of the exporter; None for its own choice.
        legacy: exported by tracing (TorchScript) instead of from a graph captured by `torch.export`.
        keep_batch_norm: BatchNormalization nodes stay as they are instead of being folded into convolutions.
    """

    name: str
    family: str
    build: str
    inputs: dict[str, Input]
    options: dict[str, Any] = field(default_factory=dict)
    batch: int = 2
    dynamic: bool = False
    opset: int | None = None
    legacy: bool = False
    keep_batch_norm: bool = False


ENTRIES: dict[str, Entry] = {}


def _add(family: str, name: str, inputs: dict[str, Input], build: str = "", **how: Any) -> None:
    ENTRIES[name] = Entry(name, family, build or name, inputs, **how)


def _image(size: int = 64, channels: int = 3) -> dict[str, Input]:
    return {"image": Input((channels, size, size))}


def _tokens(length: int = 16, below: int = 200) -> dict[str, Input]:
    return {"input_ids": Input((length,), below), "attention_mask": Input((length,), mask=True)}


def _ids(length: int = 16, below: int = 200) -> dict[str, Input]:
    return {"ids": Input((length,), below)}


_add("vision", "resnet_basic", _image(), dynamic=True)
_add("vision", "resnet_bottleneck", _image(), keep_batch_norm=True)
_add("vision", "resnet_bottleneck_traced", _image(), "resnet_bottleneck", legacy=True, opset=13, dynamic=True)
_add("vision", "mobilenet_v1", _image(), opset=18)
_add("vision", "mobilenet_v2", _image(), legacy=True, opset=11)
_add("vision", "mobilenet_v2_batch_norm", _image(), "mobilenet_v2", legacy=True, opset=15, keep_batch_norm=True)
_add("vision", "mobilenet_v3", _image(), dynamic=True)
_add("vision", "efficientnet", _image(), opset=21)
_add("vision", "densenet", _image(), keep_batch_norm=True)
_add("vision", "vgg", _image(32), dynamic=True)
_add("vision", "inception", _image(), legacy=True, opset=12)
_add("vision", "shufflenet", _image())
_add("vision", "squeezenet", _image(), opset=18)
_add("vision", "convnext", _image(), opset=23)
_add("vision", "capsules", _image(28, 1))

_add("dense", "unet", _image(), dynamic=True)
_add("dense", "unet_transposed", _image(), keep_batch_norm=True)
_add("dense", "detector", _image(), legacy=True, opset=16)
_add("dense", "detector_grid", _image(), opset=18)
_add("dense", "super_resolution", _image(32, 1), dynamic=True)
_add("dense", "generator", {"noise": Input((32,))}, opset=21)
_add("dense", "discriminator", _image(32), keep_batch_norm=True)
_add("dense", "autoencoder", {"x": Input((64,))}, legacy=True, opset=9)
_add("dense", "variational_encoder", _image(32, 1))
_add("dense", "siamese", {"left": Input((3, 32, 32)), "right": Input((3, 32, 32))})
_add("dense", "keypoints", _image(), legacy=True, opset=17, dynamic=True)
_add("dense", "deeplab", _image(), opset=18)
_add("dense", "spatial_transformer", _image(32, 1), opset=20)
_add("dense", "style_transfer", _image(32))
_add("dense", "video", {"clip": Input((3, 4, 16, 16))}, legacy=True, opset=16, keep_batch_norm=True)

_add("attention", "vit", _image(), dynamic=True)
_add("attention", "swin", _image(32))
_add("attention", "mlp_mixer", _image(32), opset=18)
_add("attention", "bert", _tokens(), dynamic=True)
_add("attention", "bert_traced", _tokens(), "bert", legacy=True, opset=14, dynamic=True)
_add("attention", "bert_attention", _tokens(), "bert", options={"fused": True}, opset=23)
_add("attention", "gpt_rotary", _ids(), opset=23)
_add("attention", "gpt_rotary_traced", _ids(), "gpt_rotary", legacy=True, opset=17)
_add("attention", "translator", {"source": Input((12,), 200), "target": Input((9,), 200)}, opset=18)
_add("attention", "conformer", {"features": Input((40, 20))}, dynamic=True)
_add("attention", "sasrec", _ids(20, 300))
_add("attention", "perceiver", _image(32))
_add("attention", "linear_attention", _ids())
_add("attention", "mixture_of_experts", _ids(), opset=21)

_add("sequence", "lstm_tagger", _ids(), dynamic=True)
_add("sequence", "gru_tagger", _ids())
_add("sequence", "rnn_tagger", _ids(), legacy=True, opset=14)
_add("sequence", "lstm_tagger_traced", _ids(), "lstm_tagger", legacy=True, opset=11, dynamic=True)
_add("sequence", "tcn", {"series": Input((8, 48))}, dynamic=True)
_add("sequence", "wavenet", {"audio": Input((1, 64))}, opset=18)
_add("sequence", "crnn", _image(32, 1), legacy=True, opset=15)
_add("sequence", "keyword_spotter", {"spectrogram": Input((1, 49, 10))}, keep_batch_norm=True)
_add("sequence", "denoiser", {"audio": Input((1, 256))}, opset=18)
_add("sequence", "forecaster", {"series": Input((48, 4))})
_add("sequence", "state_space", {"series": Input((24, 8))})

_add("tables", "dlrm", {"dense": Input((13,)), "categories": Input((8,), 100)}, dynamic=True)
_add("tables", "deepfm", {"categories": Input((10,), 100)}, dynamic=True, keep_batch_norm=True)
_add("tables", "dcn", {"dense": Input((13,)), "categories": Input((8,), 100)}, opset=21)
_add("tables", "two_tower", {"user": Input((4,), 50), "item": Input((3,), 80)}, legacy=True, opset=17, dynamic=True)
_add("tables", "neural_collaborative", {"user": Input((), 50), "item": Input((), 80)}, dynamic=True)
_add("tables", "interest_network", {"target": Input((), 80), "history": Input((12,), 80)}, opset=18)
_add("tables", "multi_task", {"dense": Input((16,)), "categories": Input((6,), 100)})
_add("tables", "pointnet", {"points": Input((3, 64))}, keep_batch_norm=True)
_add("tables", "graph_convolution", {"nodes": Input((12, 6)), "adjacency": Input((12, 12))}, opset=18)
_add("tables", "graph_scatter", {"nodes": Input((12, 6))}, opset=18)
_add("tables", "tab_transformer", {"dense": Input((5,)), "categories": Input((6,), 40)})

_add("published", "hf_bert", _tokens(), "encoder", options={"model": "Bert"}, dynamic=True)
_add("published", "hf_distilbert", _tokens(), "encoder", options={"model": "DistilBert"})
_add("published", "hf_roberta", _tokens(), "encoder", options={"model": "Roberta"}, opset=21)
_add("published", "hf_xlm_roberta", _tokens(), "encoder", options={"model": "XLMRoberta"})
_add("published", "hf_albert", _tokens(), "encoder", options={"model": "Albert"}, opset=18)
_add("published", "hf_electra", _tokens(), "encoder", options={"model": "Electra"})
_add("published", "hf_mpnet", _tokens(), "encoder", options={"model": "MPNet"})
_add("published", "hf_deberta", _tokens(), "encoder", options={"model": "DebertaV2"})
_add("published", "hf_clip_text", _tokens(), "encoder", options={"model": "CLIPText"})
_add("published", "hf_t5_encoder", _tokens(), "encoder", options={"model": "T5Encoder"})
_add("published", "hf_gpt2", _ids(), "decoder", options={"model": "GPT2"})
_add("published", "hf_opt", _ids(), "decoder", options={"model": "OPT"})
_add("published", "hf_llama", _ids(), "decoder", options={"model": "Llama"}, opset=23)
_add("published", "hf_qwen", _ids(), "decoder", options={"model": "Qwen2"})
_add("published", "hf_vit", _image(32), "vision", options={"model": "ViT"}, dynamic=True)
_add("published", "hf_deit", _image(32), "vision", options={"model": "DeiT"})
_add("published", "hf_convnext", _image(32), "vision", options={"model": "ConvNext"})
_add("published", "hf_resnet", _image(32), "vision", options={"model": "ResNet"}, keep_batch_norm=True)
_add("published", "hf_mobilenet_v2", _image(32), "vision", options={"model": "MobileNetV2"})
_add("published", "hf_segformer", _image(32), "vision", options={"model": "Segformer"})
_add("published", "hf_whisper_encoder", {"features": Input((16, 40))}, "whisper_encoder")
_add("published", "hf_wav2vec2", {"audio": Input((400,))}, "wav2vec2")
