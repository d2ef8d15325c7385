"""Train a network that hears speech in noise, frame by frame: `python -m sample_models.recurrent.train`.

Each call takes one frame of 32 ms and the state that the call before returned. Recorded telephone prompts with silence
between them, in pink noise, are what it learns from; a frame is speech where the clean recording is loud.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sample_models import training
from tests import real_models

HERE = Path(__file__).parent
RATE = 8000
FRAME = 256
STEPS = 125  # frames in a sequence: four seconds
EVALUATION_FILES = 12
LOUD = 0.01  # root mean square of a frame, full scale is 1
HIDDEN = 64
WINDOW = 128


class Detector(nn.Module):
    """`audio` (batch, 256) float32 in -1..1, `h`, `c` (1, batch, 64) to `speech` (batch,) in 0..1, `hn`, `cn`."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = nn.Conv1d(1, WINDOW + 2, WINDOW, WINDOW // 2, bias=False)
        self.spectrum.weight.data = fourier(WINDOW)
        self.spectrum.weight.requires_grad_(False)
        self.mix = nn.Conv1d(WINDOW // 2 + 1, HIDDEN, 3)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, audio: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        steps, (hn, cn) = self.lstm(self.features(audio).unsqueeze(0), (h, c))
        return torch.sigmoid(self.out(steps)).squeeze(2).squeeze(0), hn, cn

    def features(self, audio: torch.Tensor) -> torch.Tensor:
        real, imaginary = self.spectrum(audio.unsqueeze(1)).split(WINDOW // 2 + 1, dim=1)
        loudness = torch.log(real * real + imaginary * imaginary + 1e-4)
        return torch.relu(self.mix(loudness)).squeeze(2)

    def whole(self, audio: torch.Tensor) -> torch.Tensor:
        """Logits (steps, batch) of whole sequences (steps, batch, 256) that start from silence."""
        features = self.features(audio.flatten(0, 1)).unflatten(0, audio.shape[:2])
        return self.out(self.lstm(features)[0]).squeeze(2)


def fourier(size: int) -> torch.Tensor:
    """Windowed cosines, then sines, as the weight of a convolution: (size + 2, 1, size)."""
    angles = 2 * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(size)) / size
    waves = np.concatenate([np.cos(angles), np.sin(angles)]) * np.hanning(size + 1)[:-1]
    return torch.from_numpy(waves[:, None].astype(np.float32))


def recordings() -> list[np.ndarray]:
    """Every prompt longer than a quarter of a second, in order of its name."""
    found = []
    for path in sorted(real_models.asterisk_wavs().glob("*.wav")):
        with wave.open(str(path)) as file:
            found.append(np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768)
    return [sound for sound in found if len(sound) > RATE // 4]


def sequences(sounds: list[np.ndarray], count: int, rng: np.random.Generator, noise: tuple[float, float]):
    """(frames (steps, count, 256), speech (steps, count)): prompts and gaps in noise of so many dB below the speech."""
    clean = np.stack([one_sequence(sounds, rng) for _ in range(count)])
    speech = np.sqrt((clean.reshape(count, STEPS, FRAME) ** 2).mean(2)) > LOUD
    power = np.array(
        [(row[np.repeat(loud, FRAME)] ** 2).mean() if loud.any() else 1e-3 for row, loud in zip(clean, speech, strict=True)]
    )
    hiss = pink(clean.shape, rng) * np.sqrt(power * 10 ** (-rng.uniform(*noise, count) / 10))[:, None]
    mixed = np.clip(clean + hiss, -1, 1).astype(np.float32).reshape(count, STEPS, FRAME)
    return mixed.transpose(1, 0, 2).copy(), speech.T.copy()


def one_sequence(sounds: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    parts, length = [], 0
    while length < STEPS * FRAME:
        parts += [np.zeros(rng.integers(RATE // 10, RATE), np.float32), sounds[rng.integers(len(sounds))]]
        length += len(parts[-1]) + len(parts[-2])
    return np.concatenate(parts)[: STEPS * FRAME]


def pink(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with the frequency, of power 1."""
    spectrum = np.fft.rfft(rng.standard_normal(shape))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.shape[-1]), 1))
    noise = np.fft.irfft(spectrum, shape[-1])
    return noise / noise.std(axis=-1, keepdims=True)


def train(folder: Path = HERE, count: int = 1600, epochs: int = 8) -> None:
    """Write `model.onnx` and the folder `evaluation` to `folder`."""
    training.start()
    rng = np.random.default_rng(training.SEED)
    sounds = recordings()
    order = rng.permutation(len(sounds))
    known, unknown = ([sounds[i] for i in part] for part in (order[len(sounds) // 5 :], order[: len(sounds) // 5]))
    x, y = map(torch.from_numpy, sequences(known, count, rng, (0, 15)))
    model = Detector()

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(model.whole(x[:, chosen]), y[:, chosen].float())

    training.fit(model, loss, count, epochs=epochs, batch=16, rate=3e-3)

    state = torch.zeros(1, 2, HIDDEN)
    along, across = {0: "batch"}, {1: "batch"}
    axes = {"audio": along, "h": across, "c": across, "speech": along, "hn": across, "cn": across}
    training.export(model, (torch.zeros(2, FRAME), state, state), folder / "model.onnx", axes, ("speech", "hn", "cn"))
    training.name_weights(model, folder / "model.onnx")

    test, truth = sequences(unknown, 100, rng, (5, 5))
    write_recordings(folder / "evaluation", test[:, :EVALUATION_FILES], truth[:, :EVALUATION_FILES])
    with torch.no_grad():
        scores = model.whole(torch.from_numpy(test)).numpy()
    shipped = scores[:, :EVALUATION_FILES].ravel(), truth[:, :EVALUATION_FILES].ravel()
    training.report(
        folder / "model.onnx",
        f"{100 * truth.mean():.0f} % of the test frames are speech",
        f"frame AUC on {truth.size} test frames: {training.bootstrap(training.auc, scores.ravel(), truth.ravel())}",
        f"frame AUC on the {shipped[1].size} shipped: {training.bootstrap(training.auc, *shipped)}",
    )


def write_recordings(folder: Path, frames: np.ndarray, speech: np.ndarray) -> None:
    """One WAV file per sequence, and `labels.csv` with the label of every frame."""
    folder.mkdir(exist_ok=True)
    lines = ["name,frame,label"]
    for number in range(frames.shape[1]):
        name = f"{number:02d}.wav"
        with wave.open(str(folder / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(np.round(frames[:, number] * 32767).astype("<i2").tobytes())
        lines += [f"{name},{frame},{int(label)}" for frame, label in enumerate(speech[:, number])]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    train()
