"""Architectures as the transformers package writes them, in small sizes and with random weights."""

from __future__ import annotations

import torch
import transformers
from torch import nn

_TEXT = {
    "vocab_size": 200, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 64, "attn_implementation": "eager",
}  # fmt: skip
_IMAGE = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "image_size": 32,
    "patch_size": 8, "attn_implementation": "eager",
}  # fmt: skip
#: What a model's configuration calls otherwise, or takes beside.
_OWN = {
    "DistilBert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "Albert": {"embedding_size": 16},
    "Electra": {"embedding_size": 16},
    "DebertaV2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8},
    "T5Encoder": {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "OPT": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "Llama": {"num_key_value_heads": 2},
    "Qwen2": {"num_key_value_heads": 2},
    "ConvNext": {
        "num_hidden_layers": 4, "patch_size": 4, "layer_scale_init_value": 0.5,
        "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1],
    },
    "ResNet": {"embedding_size": 16, "hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1]},
    "MobileNetV2": {"depth_multiplier": 0.25, "finegrained_output": False},
    "Segformer": {
        "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 4],
        "decoder_hidden_size": 32, "num_labels": 5,
    },
}  # fmt: skip
_CONFIGURATION = {"T5Encoder": "T5"}
_SUFFIX = {"Segformer": "ForSemanticSegmentation", "ResNet": "ForImageClassification", "MobileNetV2": "ForImageClassification"}


def _made(model: str, common: dict, suffix: str = "Model") -> nn.Module:
    configuration = getattr(transformers, f"{_CONFIGURATION.get(model, model)}Config")
    options = {**common, **_OWN.get(model, {})}
    return getattr(transformers, model + _SUFFIX.get(model, suffix))(configuration(**options)).eval()


class _Output(nn.Module):
    """The first tensor of what a model answers to one input, passed by name."""

    def __init__(self, model: nn.Module, name: str, **fixed: bool) -> None:
        super().__init__()
        self.model, self.name, self.fixed = model, name, fixed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(**{self.name: x}, **self.fixed, return_dict=False)[0]


class _Masked(nn.Module):
    """Hidden states of token ids and a mask."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask, return_dict=False)[0]


def encoder(model: str) -> nn.Module:
    """Token ids and a mask to hidden states."""
    return _Masked(_made(model, _TEXT))


def decoder(model: str) -> nn.Module:
    """Token ids to the scores of the next token, without a cache."""
    suffix = "LMHeadModel" if model == "GPT2" else "ForCausalLM"
    return _Output(_made(model, _TEXT, suffix), "input_ids", use_cache=False)


def vision(model: str) -> nn.Module:
    """Images to hidden states or class scores."""
    return _Output(_made(model, _IMAGE), "pixel_values")


def whisper_encoder() -> nn.Module:
    """The encoder of Whisper (https://arxiv.org/abs/2212.04356)."""
    configuration = transformers.WhisperConfig(
        vocab_size=64, num_mel_bins=16, d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64,
        decoder_layers=1, decoder_attention_heads=4, decoder_ffn_dim=64, max_source_positions=20,
        attn_implementation="eager", pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    return _Output(transformers.WhisperModel(configuration).encoder.eval(), "input_features")


def wav2vec2() -> nn.Module:
    """Wav2Vec2 for CTC (https://arxiv.org/abs/2006.11477)."""
    configuration = transformers.Wav2Vec2Config(
        vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, conv_dim=(16, 16, 16),
        conv_stride=(5, 2, 2), conv_kernel=(10, 3, 3), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
        attn_implementation="eager",
    )  # fmt: skip
    return _Output(transformers.Wav2Vec2ForCTC(configuration).eval(), "input_values")
