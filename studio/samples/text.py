"""Text: columns of a table or lines of a file, turned into token ids by a `tokenizer.json`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import SamplesError
from studio.model import Model
from studio.samples import Samples, Task
from studio.samples.inputs import Feeder, Input
from studio.samples.look import Look, captions, shortened
from studio.samples.table import Table, _labels_of

EXTENSIONS = (".txt", *(".csv", ".tsv", ".parquet", ".pq"))
_PARTS = {"ids": ("input_ids", "ids", "tokens"), "mask": ("attention_mask", "mask"), "types": ("token_type_ids", "type_ids")}


class TextSamples(Samples):
    """Encoded texts. For a similarity task each row of the table is two consecutive samples, one per text."""

    kind = "text"

    def __init__(
        self,
        name: str,
        table: Table,
        columns: tuple[str, ...],
        tokenizer: Any,
        feeder: Feeder,
        parts: dict[str, str],
        labels: np.ndarray | None,
        apart: bool,
        **options: Any,
    ) -> None:
        self._per_row = len(columns) if apart else 1
        count = len(table) * self._per_row
        if apart:
            options["blocks"] = np.arange(count) // self._per_row
        super().__init__(name, count, state=feeder.state, fixed_batch=feeder.fixed_batch, **options)
        self._table, self._columns, self._tokenizer = table, columns, tokenizer
        self._feeder, self._parts, self._labels = feeder, parts, labels

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        if self._per_row > 1:
            cells = [self._table.texts(c, rows // self._per_row) for c in self._columns]
            texts: list[Any] = [cells[which][i] for i, which in enumerate(rows % self._per_row)]
        else:
            cells = [self._table.texts(c, rows) for c in self._columns]
            texts = cells[0] if len(cells) == 1 else list(zip(*cells, strict=True))
        encoded = self._tokenizer.encode_batch(texts)
        found = {
            "ids": np.asarray([e.ids for e in encoded]),
            "mask": np.asarray([e.attention_mask for e in encoded]),
            "types": np.asarray([e.type_ids for e in encoded]),
        }
        return self._feeder.feeds({name: found[part] for name, part in self._parts.items()}, len(rows))

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self._labels is None else self._labels[rows // self._per_row]

    def look(self, count: int) -> Look:
        return self.show(np.unique(self.rows("all", count * self._per_row) // self._per_row) * self._per_row)

    def show(self, rows: np.ndarray) -> Look:
        lines = rows // self._per_row
        cells = [map(shortened, self._table.texts(column, lines)) for column in self._columns]
        named = captions(self.labels(rows), len(rows))
        return Look(named, cells=(self._columns, *zip(*cells, strict=True)))


def open_text(
    source: Path,
    model: Model,
    *,
    tokenizer: Path | None = None,
    columns: str | Sequence[str] | None = None,
    labels: str | None = None,
    group: str | None = None,
    names: Sequence[str] | None = None,
    max_length: int | None = None,
    padding: str = "longest",
    task: Task | None = None,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> TextSamples:
    """Open a CSV, Parquet or TXT file (one text per line) with the tokenizer the model was trained with.

    Args:
        columns: one text column, or two. Two are one sequence of two parts, or for a "similarity" task two texts that are
            encoded apart.
        max_length: longest sequence in tokens; 128 if neither this nor the model says.
        padding: "longest" of the batch, or "fixed" to `max_length`.

    Raises:
        SamplesError: no tokenizer, a column is missing, or the tokenizer does not belong to the model.
    """
    path = tokenizer or source.with_name("tokenizer.json")
    feeder = Feeder(model, settings)
    parts = _parts(feeder)
    ids = feeder.find(next(name for name, part in parts.items() if part == "ids"))
    engine = _tokenizer(path, ids.shape[-1] if isinstance(ids.shape[-1], int) else None, max_length, padding)
    lines = source.suffix.lower() == ".txt"
    table = _Lines(source) if lines else Table(source, names)
    chosen = (columns,) if isinstance(columns, str) else tuple(columns or ())
    if not chosen and not lines:
        todo = f"Name one or two of: {', '.join(table.columns)}"
        raise SamplesError(f"It is not clear which columns of {source.name} hold the text", todo=todo)
    chosen = chosen or ("text",)
    if len(chosen) > 2:
        raise SamplesError("A sample can have one or two texts", f"{len(chosen)} columns were given")
    table.keep([*chosen, *(c for c in (labels, group) if c is not None)])
    target = None if labels is None else _labels_of(table, labels)
    if target is not None:
        task = task or Task()
    if task is not None and group is not None:
        groups = np.unique(np.asarray(table.texts(group)), return_inverse=True)[1]
        task = Task(task.kind, task.metrics, task.output, groups, task.options)
        options["blocks"] = groups
    apart = task is not None and task.kind == "similarity" and len(chosen) == 2
    if task is not None and task.kind == "similarity" and len(chosen) != 2:
        raise SamplesError("A similarity task needs two text columns", f"{len(chosen)} was given")
    some = np.unique(np.linspace(0, len(table) - 1, min(len(table), 200)).astype(np.int64))
    texts = [text for column in chosen for text in table.texts(column, some)]
    options["warnings"] = (
        *_vocabulary(engine, ids, texts, path.name),
        *_warnings(engine, texts, lengths=max_length is None),
    )
    samples = TextSamples(source.stem, table, chosen, engine, feeder, parts, target, apart, task=task, **options)
    samples.read(np.zeros(1, np.int64))
    return samples


def _warnings(engine: Any, texts: list[str], lengths: bool) -> tuple[str, ...]:
    """What a few texts say about whether the tokenizer fits them and, with `lengths`, the length nobody chose."""
    encoded = engine.encode_batch(texts)
    unknown = {engine.token_to_id(token) for token in ("[UNK]", "<unk>", "UNK")} - {None}
    ids = np.concatenate([np.asarray(e.ids)[np.asarray(e.attention_mask, bool)] for e in encoded])
    share = float(np.isin(ids, list(unknown)).mean())
    cut = float(np.mean([bool(e.overflowing) for e in encoded]))
    found = []
    if share > 0.1:
        found.append(f"{share:.0%} of the tokens are unknown to the tokenizer: it may be made for another language or case.")
    if lengths and cut > 0.2:
        length = engine.truncation["max_length"]
        found.append(f"{cut:.0%} of the texts are longer than {length} tokens and are cut off: give `max_length`.")
    return tuple(found)


class _Lines(Table):
    """A text file as a table with one column `text`, one row per line that is not empty."""

    def _pieces(self, columns: list[str] | None, first: bool = False) -> Iterator[Any]:
        import pyarrow as pa

        if first:
            yield "text"
            return
        try:
            with self._source.open(encoding="utf-8-sig") as file:
                texts = (line.rstrip("\n") for line in file if line.strip())
                while piece := list(itertools.islice(texts, 65_536)):
                    yield pa.record_batch({"text": piece})
        except (OSError, UnicodeDecodeError) as error:
            raise SamplesError(f"{self.name} cannot be read as text", str(error).splitlines()[0]) from None


def _parts(feeder: Feeder) -> dict[str, str]:
    """Input name -> "ids", "mask" or "types", by the usual names; a single input takes the ids."""
    found = {}
    for part, names in _PARTS.items():
        for one in feeder.inputs:
            if one.name in names or (one.name not in found and one.name.lower().endswith(names)):
                found[one.name] = part
                break
    if "ids" not in found.values():
        index = [one for one in feeder.inputs if one.role == "index" and one.name not in found]
        if not index:
            raise SamplesError("The model takes no token ids", todo="Give other samples")
        found[index[0].name] = "ids"
    return found


def _tokenizer(path: Path, fixed: int | None, max_length: int | None, padding: str) -> Any:
    from tokenizers import Tokenizer

    if padding not in ("longest", "fixed"):
        raise SamplesError(f"There is no padding {padding!r}", todo="Use longest or fixed")
    if not path.is_file():
        raise SamplesError("Text needs the tokenizer of the model", f"{path.name} is missing", "Put it beside the samples")
    try:
        engine = Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises plain Exception
        why = str(error).splitlines()[0][:200]
        raise SamplesError(f"{path.name} is not a tokenizer of the tokenizers library", why) from None
    own = engine.padding or {}
    length = fixed or max_length or 128
    engine.enable_truncation(length)
    pad = {key: own[key] for key in ("pad_id", "pad_type_id", "pad_token", "direction") if key in own}
    if not pad:
        token = next((t for t in ("[PAD]", "<pad>", "<|endoftext|>") if engine.token_to_id(t) is not None), None)
        pad = {"pad_id": engine.token_to_id(token), "pad_token": token} if token else {}
    engine.enable_padding(**pad, length=length if fixed or padding == "fixed" else None)
    return engine


def _vocabulary(engine: Any, ids: Input, texts: list[str], name: str) -> tuple[str, ...]:
    """Whether the tokenizer's numbers fit the model's table.

    Raises:
        SamplesError: the texts lead to rows that the table does not have.
    """
    if ids.high is None:
        return ()
    rows, size = int(ids.high.max()), engine.get_vocab_size()
    highest = max(max(encoded.ids) for encoded in engine.encode_batch(texts))
    if highest >= rows:
        why = f"token {highest:,} occurs and the model's table has {rows:,} rows"
        raise SamplesError(f"{name} does not belong to this model", why, "Give the tokenizer it was trained with")
    if not rows / 2 < size <= rows:
        return (f"{name} has {size:,} tokens and the model's table {rows:,} rows: it may belong to another model.",)
    return ()
