"""Opening samples: a folder or file of any known kind, or a YAML file that describes one (in a folder: `samples.yaml`).

A description names the data and what to do with it; every key but `path` may be left out, and every key is also an
option of `open_samples`:

    kind: images            # images, audio, arrays, table or text; worked out from the files if left out
    path: pictures          # folder or file, relative to this description
    labels: labels.csv      # file, column or array with the labels; or: index, folders (images), energy (audio)
    name: my pictures       # what reports call it
    task: classification    # classification, scores (one score, 0/1), regression, similarity, ranking, transcription, map
    metrics: [top-1, top-5] # see studio.measure.metrics; the usual ones of the task if left out
    output: logits          # the output to score; the one that fits if left out
    settings: {sr: 16000}   # inputs that are the same for every sample
    calibration: {share: 0.2, max: 300}   # rows kept for calibration; they are never used for evaluation
    seed: 0                 # of the choice of calibration rows

    # images: pixel * scale, minus mean, divided by std
    input: image            # the input that takes them
    layout: NCHW            # or NHWC; from the input's shape if left out
    size: 224               # or [height, width]; from the input's shape if left out
    resize: 256             # shorter side before the middle is cut out; 0 squeezes the whole image
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]
    scale: 0.00392156862745098
    order: RGB              # or BGR

    # audio
    frame: 512              # new values per frame, at the model's rate
    hop: 512                # values from frame to frame
    context: 64             # values from before the frame that are fed with it
    rate: 16000             # samples per second the model wants
    state: {h: hn, c: cn}   # recurrent state: input: output
    clean: originals        # labels: energy: where the files without noise are
    threshold: 0.01         # labels: energy: root mean square above which a frame is 1

    # tables and arrays
    columns: {features: [age, income], user: user_id}   # input: column(s)
    group: query            # rows of one query, for ranking
    names: [a, b, score]    # column names of a CSV without a header line
    missing: 0              # value for empty cells; without it they are refused

    # text
    tokenizer: tokenizer.json
    columns: [question, answer]   # one or two text columns
    max_length: 128
    padding: longest        # or fixed

    # transcription, similarity, scores
    characters: charset.txt # one character per line, in the order of the classes after the blank
    blank: 0                # class of the blank
    pooling: mean           # or cls, max: how token vectors become one
    cut: 0.5                # score from which on a row counts as positive
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from studio.errors import SamplesError
from studio.model import Model
from studio.samples import Samples, Task, arrays, audio, images, table, text

TASKS = ("classification", "scores", "regression", "similarity", "ranking", "transcription", "map")
_OPENERS: dict[str, Callable[..., Samples]] = {
    "images": images.open_images,
    "audio": audio.open_audio,
    "arrays": arrays.open_arrays,
    "table": table.open_table,
    "text": text.open_text,
}
_COMMON = ("kind", "path", "labels", "name", "task", "metrics", "output", "settings", "calibration", "seed")
_OF_TASK = ("characters", "blank", "pooling", "cut")
#: What a value must be; text where a key is not listed.
_TYPES = {
    "size": "whole number or list of numbers",
    "mean": "number or list of numbers",
    "std": "number or list of numbers",
    "columns": "text or list of names or mapping",
    "names": "list of names",
    **dict.fromkeys(("resize", "frame", "hop", "context", "rate", "max_length"), "whole number"),
    **dict.fromkeys(("scale", "threshold", "missing"), "number"),
    **dict.fromkeys(("settings", "state"), "mapping"),
}
_PATHS = ("tokenizer", "clean", "characters")
_LABEL_WORDS = ("index", "folders", "energy")


def open_samples(source: str | Path, model: Model, **options: Any) -> Samples:
    """Open samples for `model`: a folder or file of images, audio, arrays, a table or text, or a description in YAML.

    `options` are the keys of a description and win over what it says.

    Raises:
        SamplesError: the data cannot be read or does not fit the model; says why.
    """
    path = Path(source)
    if not path.exists():
        raise SamplesError(f"{path} does not exist", todo="Check the path")
    if path.is_dir() and (path / "samples.yaml").is_file():
        path = path / "samples.yaml"
    base = Path.cwd()
    given = options
    if path.is_file() and path.suffix.lower() in (".yaml", ".yml"):
        described, base = _description(path), path.resolve().parent
        given = {**described, **options}
        path = _inside(base, given.get("path"), "path")
    try:
        return _open(path, base, model, given)
    except OSError as error:
        raise SamplesError(f"{path.name} cannot be read", error.strerror or str(error), "Check its permissions") from None


def _open(path: Path, base: Path, model: Model, given: dict[str, Any]) -> Samples:
    kind = given.get("kind") or _kind(path, given)
    if kind not in _OPENERS:
        raise SamplesError(f"There is no kind of samples {kind!r}", todo=f"Use one of {', '.join(_OPENERS)}")
    opener = _OPENERS[kind]
    known = [n for n, p in inspect.signature(opener).parameters.items() if p.kind is p.KEYWORD_ONLY]
    chosen: dict[str, Any] = {}
    for key, value in given.items():
        if key in _COMMON or key in _OF_TASK or value is None:
            continue
        if key not in known:
            near = difflib.get_close_matches(key, [*known, *_COMMON, *_OF_TASK], 1)
            todo = f"Perhaps {near[0]!r} is meant" if near else f"Known are: {', '.join(sorted({*known, *_COMMON, *_OF_TASK}))}"
            raise SamplesError(f"Samples of kind {kind!r} have no option {key!r}", todo=todo)
        chosen[key] = _inside(base, value, key) if key in _PATHS else _typed(key, value)
    for key in ("labels", "settings"):
        if given.get(key) is not None and key in known:
            chosen[key] = _typed(key, given[key])
    if isinstance(chosen.get("labels"), str):
        chosen["labels"] = _labels(chosen["labels"], kind, path, base)
    opened = {
        "kind": kind,
        **chosen,
        **{k: given[k] for k in ("task", "metrics", "output", *_OF_TASK) if given.get(k) is not None},
    }
    if "characters" in opened:
        opened["characters"] = _inside(base, opened["characters"], "characters")
    chosen |= _calibration(given)
    chosen["task"] = _task(given, base)
    samples = opener(path, model, **chosen)
    samples.opened = opened
    samples.name = str(given.get("name") or samples.name)
    if samples.task is not None and samples.labels(np.zeros(1, np.int64)) is None and samples.task.kind != "map":
        samples.task = None
    return samples


def _typed(key: str, value: Any) -> Any:
    """`value` if a description may give it to `key`."""
    words = _TYPES.get(key, "text")
    one = {"whole number": int, "number": (int, float), "text": (str, Path), "mapping": dict}
    kinds = [k for word in words.split(" or ") for k in [one.get(word)] if k is not None]
    fits = any(isinstance(value, kind) for kind in kinds) and not isinstance(value, bool)  # type: ignore[arg-type]
    if "list of numbers" in words and isinstance(value, list | tuple):
        fits = bool(value) and all(isinstance(v, int | float) for v in value)
    if "list of names" in words and isinstance(value, list | tuple):
        fits = bool(value) and all(isinstance(v, str) for v in value)
    if not fits:
        raise SamplesError(f"The option {key!r} must be a {words}, not {value!r}")
    if isinstance(value, dict) and key == "state" and not all(isinstance(v, str) for v in value.values()):
        raise SamplesError("The option 'state' must map inputs to outputs")
    return value


def _kind(path: Path, given: dict[str, Any]) -> str:
    """What the files are, by their names."""
    if path.is_dir():
        for file in path.rglob("*"):
            suffix = file.suffix.lower()
            if suffix in images.EXTENSIONS:
                return "images"
            if suffix in audio.EXTENSIONS:
                return "audio"
        raise SamplesError(f"{path.name} holds no images and no WAV files", todo="Give a folder or file with samples")
    name = path.name.lower()
    if name.endswith(".zip"):
        return "images"
    if name.endswith(audio.EXTENSIONS):
        return "audio"
    if name.endswith(arrays.EXTENSIONS):
        return "arrays"
    beside = path.with_name("tokenizer.json").is_file() and not isinstance(given.get("columns"), dict)
    if name.endswith(".txt") or (name.endswith(text.EXTENSIONS) and ("tokenizer" in given or beside)):
        return "text"
    if name.endswith(table.EXTENSIONS):
        return "table"
    todo = "Give images, WAV files, .npz, .npy, .csv, .parquet, .txt or a .yaml description"
    raise SamplesError(f"{path.name} is of no known kind", todo=todo)


def _description(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise SamplesError(f"{path.name} is not valid YAML", f"line {mark.line + 1}" if mark else "") from None
    if not isinstance(data, dict) or not isinstance(data.get("path"), str):
        raise SamplesError(f"{path.name} does not describe samples", todo="Write at least `path: FOLDER OR FILE`")
    return {str(key): value for key, value in data.items()}


def _inside(base: Path, value: Any, key: str) -> Path:
    path = base / str(value)
    if not path.exists():
        raise SamplesError(f"The {key} {Path(str(value)).name!r} does not exist", todo="Paths are relative to the description")
    return path


def _labels(value: str, kind: str, path: Path, base: Path) -> str | Path:
    """A labels file where one of that name exists, else the word or column as it stands."""
    if kind in ("table", "text") or value in _LABEL_WORDS:
        return value
    for folder in (base, path if path.is_dir() else path.parent):
        if (folder / value).is_file():
            return folder / value
    return value


def _calibration(given: dict[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    calibration = given.get("calibration") or {}
    if not isinstance(calibration, dict) or set(calibration) - {"share", "max"}:
        raise SamplesError("`calibration` is not valid", todo="Write {share: 0.2, max: 300}")
    share, most, seed = calibration.get("share", 0.2), calibration.get("max", 300), given.get("seed", 0)
    if not isinstance(share, int | float) or not 0 < share < 1:
        raise SamplesError(f"The calibration share must be between 0 and 1, not {share!r}")
    for name, value, low in (("calibration max", most, 1), ("seed", seed, 0)):
        if type(value) is not int or value < low:
            raise SamplesError(f"The {name} must be a whole number of at least {low}, not {value!r}")
    chosen["calibration_share"], chosen["calibration_max"], chosen["seed"] = float(share), most, seed
    return chosen


def _task(given: dict[str, Any], base: Path) -> Task | None:
    kind, metrics = given.get("task") or "", given.get("metrics") or ()
    if kind and kind not in TASKS:
        raise SamplesError(f"There is no task {kind!r}", todo=f"Use one of {', '.join(TASKS)}")
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    if not all(isinstance(name, str) and ":" not in name for name in names):
        raise SamplesError("`metrics` is not a list of names", todo="A function can only be named on the command line")
    options: dict[str, Any] = {k: given[k] for k in ("blank", "pooling") if given.get(k) is not None}
    if given.get("cut") is not None:
        options["threshold"] = given["cut"]
    if given.get("characters") is not None:
        file = _inside(base, given["characters"], "characters")
        options["characters"] = file.read_text("utf-8").splitlines()
    task = Task(kind, names, given.get("output"), options=options)
    return task if kind or names or task.output or options else None
