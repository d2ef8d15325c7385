"""Audio: frames, recurrent state, labels, refusals; a real voice detector on real prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from studio.errors import SamplesError
from studio.formats import load
from studio.measure.fidelity import compare
from studio.measure.inference import run_samples
from studio.measure.session import open_session
from studio.measure.task import evaluate
from studio.samples.open import open_samples
from tests import real_models
from tests.studio.samples.models import model_of

PLAIN = "(float[N, 6] x) => (float[N, 6] y) { y = Relu(x) }"
# A running sum: what a frame gives depends on every frame since the last restart.
SUM = """(float[N, 4] x, float[N, 1] total) => (float[N, 1] y, float[N, 1] total_out) <int64[1] axis = {1}> {
    s = ReduceSum(x, axis)
    y = Add(s, total)
    total_out = Identity(y)
}"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings at 8 kHz: 10 values rising from 0.1, and 5 values of 0.5."""
    path = tmp_path / "wav"
    path.mkdir()
    wavfile.write(path / "a.wav", 8000, np.arange(1, 11, dtype=np.float32) / 10)
    wavfile.write(path / "b.wav", 8000, np.full(5, 16384, np.int16))
    return path


def test_frames_with_context(folder):
    samples = open_samples(folder, model_of(PLAIN), frame=4, context=2)
    assert samples.count == 5
    frames = samples.read(np.arange(5))["x"]
    np.testing.assert_allclose(frames[0], [0, 0, 0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(frames[1], [0.3, 0.4, 0.5, 0.6, 0.7, 0.8], rtol=1e-6)
    np.testing.assert_allclose(frames[2], [0.7, 0.8, 0.9, 1.0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(frames[4], [0.5, 0.5, 0.5, 0, 0, 0])
    assert len(open_samples(folder, model_of(PLAIN), hop=3).rows()) == 4
    assert set(samples.rows("calibration")) in ({0, 1, 2}, {3, 4})  # recordings are never split


def test_state_is_carried_along_a_recording_and_restarts_with_the_next(folder):
    model = model_of(SUM)
    samples = open_samples(folder, model)
    assert samples.state == {"total": "total_out"}
    stream = list(run_samples(open_session(model), samples, batch_size=8))
    assert [batch.restart for batch, _ in stream] == [True, False, False, True, False]
    totals = [float(out["y"][0, 0]) for _, out in stream]
    assert totals == pytest.approx([1.0, 3.6, 5.5, 2.0, 2.5])


def test_files_are_resampled(folder):
    samples = open_samples(folder, model_of(PLAIN), rate=16000)
    assert samples.count == 4 + 2


def test_labels(folder):
    model = model_of(PLAIN)
    (folder / "labels.csv").write_text("name,label\na.wav,1\nb.wav,0\n")
    assert open_samples(folder, model, frame=6).labels(np.arange(3)).tolist() == [1, 1, 0]
    (folder / "labels.csv").write_text("name,frame,label\na.wav,0,1\na.wav,1,0\nb.wav,0,1\n")
    assert open_samples(folder, model).labels(np.arange(3)).tolist() == [1, 0, 1]
    (folder / "labels.csv").write_text("name,start,end\na.wav,0,0.0005\n")
    assert open_samples(folder, model).labels(np.arange(3)).tolist() == [1, 0, 0]
    loud = open_samples(folder, model, labels="energy", threshold=0.45)
    assert loud.labels(np.arange(3)).tolist() == [0, 1, 1]


def test_refusals(folder, tmp_path):
    def refusal(path=folder, graph=PLAIN, **options):
        with pytest.raises(SamplesError) as error:
            open_samples(path, model_of(graph), **options)
        return str(error.value)

    assert refusal(frame=3) == "The frame length does not fit the model: frame 3 and context 0 for an input of 6."
    free = "(float[N, T] x) => (float[N, T] y) { y = Relu(x) }"
    assert refusal(graph=free) == "Input 'x' takes frames of any length. Give the frame length."
    (folder / "labels.csv").write_text("name,label\na.wav,1\n")
    assert refusal() == "1 of 2 recordings have no label in labels.csv."
    (folder / "labels.csv").write_text("name,frame,label\na.wav,0,1\nb.wav,0,1\n")
    assert refusal() == "The labels of labels.csv do not match the frames: a.wav has 2 frames and 1 labels."
    (folder / "labels.csv").write_text("file,class\n")
    words = "labels.csv is not a labels file. Write columns name,label or name,frame,label or name,start,end."
    assert refusal() == words
    (folder / "labels.csv").unlink()
    wavfile.write(folder / "c.wav", 16000, np.zeros(5, np.int16))
    assert refusal() == "The recordings have different sampling rates: 8000, 16000. Give the rate."
    (folder / "c.wav").write_bytes(b"RIFFno")
    assert refusal().startswith("c.wav cannot be read as a WAV file: ")
    (tmp_path / "none").mkdir()
    assert refusal(tmp_path / "none", kind="audio") == "none holds no WAV files. Convert the recordings to WAV."


def noisy_prompts(folder: Path, count: int = 6) -> None:
    """`count` prompts with gaps, clean and in pink noise at 5 dB, as `clean/prompts.wav` and `noisy/prompts.wav`."""
    rng = np.random.default_rng(0)
    files = sorted(real_models.asterisk_wavs().rglob("*.wav"))
    parts = []
    for number in rng.permutation(len(files))[:count]:
        rate, values = wavfile.read(files[number])
        parts += [np.zeros(int(rate * rng.uniform(0.3, 1.5))), values / 32768]
    clean = np.concatenate(parts)
    spectrum = np.fft.rfft(rng.standard_normal(len(clean))) / np.sqrt(np.maximum(np.arange(len(clean) // 2 + 1), 1))
    noise = np.fft.irfft(spectrum, len(clean))
    power = np.mean(clean[np.abs(clean) > 0.001] ** 2) / 10**0.5
    noise *= np.sqrt(power / np.mean(noise**2))
    for name, values in (("clean", clean), ("noisy", clean + noise)):
        (folder / name).mkdir()
        wavfile.write(folder / name / "prompts.wav", 8000, np.clip(values * 32767, -32768, 32767).astype(np.int16))


def test_every_form_of_a_voice_detector_scores_the_same(tmp_path):
    """The AUC of this detector on such prompts is about 0.97 in every FP32 file it is shipped as."""
    noisy_prompts(tmp_path)
    figures, models = {}, {}
    for name in ("silero_vad_16k_op15", "silero_vad_16k_sequence", "silero_vad_openvino_16k"):
        model = models[name] = load(real_models.silero(name))
        options = {"frame": 512, "context": 64, "rate": 16000, "labels": "energy", "clean": str(tmp_path / "clean")}
        samples = open_samples(tmp_path / "noisy", model, metrics=["auc"], **options)
        (figures[name],) = evaluate(model, samples, batch_size=8)
    assert figures["silero_vad_16k_op15"].value == pytest.approx(0.975, abs=0.015)
    for name in ("silero_vad_16k_sequence", "silero_vad_openvino_16k"):
        assert figures[name].value == pytest.approx(figures["silero_vad_16k_op15"].value, abs=2e-3)
    samples = open_samples(tmp_path / "noisy", models["silero_vad_16k_op15"], settings={"sr": 16000}, **options)
    fidelity = compare(models["silero_vad_16k_op15"], models["silero_vad_16k_op15"], samples, limit=50)
    assert (fidelity.error, fidelity.rows) == (0, 50)
    assert [one.name for one in fidelity.outputs if one.state] == ["stateN"]
