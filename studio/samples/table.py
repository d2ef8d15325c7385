"""Tables: columns of a CSV or Parquet file as inputs and label. Read in pieces, kept as a mapped file."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import SamplesError
from studio.model import Model
from studio.samples import Task
from studio.samples.arrays import ArrayFileSamples
from studio.samples.inputs import Feeder, Input
from studio.samples.look import Look, captions, shortened

EXTENSIONS = (".csv", ".tsv", ".parquet", ".pq", ".parquet.brotli")
_LABELS = ("label", "labels", "target", "y")
_PIECE = 65_536


class Table:
    """Chosen columns of a file, random access by row, mapped from a temporary copy in Arrow's own format.

    Args:
        names: column names of a CSV without a header line.
    """

    def __init__(self, source: Path, names: Sequence[str] | None = None) -> None:
        self.name, self._source, self._names = source.name, source, names
        self.columns: tuple[str, ...] = tuple(self._pieces(None, first=True))
        self.folder = Path(tempfile.mkdtemp(prefix="studio-"))
        self._table: Any = None
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def keep(self, columns: Sequence[str]) -> None:
        """Read the file once and keep these columns.

        Raises:
            SamplesError: a column is missing, or the file cannot be read.
        """
        import pyarrow as pa

        for column in columns:
            if column not in self.columns:
                todo = f"Its columns are: {', '.join(self.columns)}"
                raise SamplesError(f"{self.name} has no column {column!r}", todo=todo)
        path = self.folder / "table.arrow"
        writer = None
        try:
            for piece in self._pieces(list(dict.fromkeys(columns))):
                if writer is None:
                    writer = pa.ipc.new_file(str(path), piece.schema)
                writer.write(piece)
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise SamplesError(f"{self.name} holds no rows")
        self._table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        if not len(self._table):
            raise SamplesError(f"{self.name} holds no rows")

    def __len__(self) -> int:
        return len(self._table)

    def take(self, column: str, rows: np.ndarray | None = None) -> Any:
        """An Arrow array of one column: these rows, or all."""
        values = self._table.column(column)
        return (values if rows is None else values.take(rows)).combine_chunks()

    def texts(self, column: str, rows: np.ndarray | None = None) -> list[str]:
        """Cells of a column as text; a missing one is empty."""
        return ["" if v is None else str(v) for v in self.take(column, rows).to_pylist()]

    def width(self, column: str) -> int:
        """Length of the longest list in a column of lists; 0 for other columns."""
        import pyarrow as pa
        from pyarrow import compute

        values = self._table.column(column)
        if not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
            return 0
        return compute.max(compute.list_value_length(values)).as_py() or 0

    def numbers(self, column: str, rows: np.ndarray | None = None, missing: float | None = None, width: int = 0) -> np.ndarray:
        """Cells of a column as numbers, or as `width` numbers each where cells are lists (shorter ones end in zeros).

        Raises:
            SamplesError: a cell is missing and `missing` gives no value for it, or is not a number.
        """
        import pyarrow as pa

        values = self.take(column, rows)
        if values.null_count:
            if missing is None:
                why = f"{self._table.column(column).null_count:,} of {len(self):,} cells are empty"
                raise SamplesError(f"Column {column!r} of {self.name} cannot be used", why, "Leave it out or give `missing`")
            values = pa.array(np.full(len(values), missing)) if pa.types.is_null(values.type) else values.fill_null(missing)
        if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
            cells = [np.asarray(cell) for cell in values.to_pylist()]
            padded = np.zeros((len(cells), width), values.type.value_type.to_pandas_dtype())
            for row, cell in zip(padded, cells, strict=True):
                row[: len(cell)] = cell
            return padded
        if pa.types.is_boolean(values.type):
            return values.to_numpy(zero_copy_only=False).astype(np.int64)
        array = values.to_numpy(zero_copy_only=False)
        if array.dtype.kind not in "iuf":
            why = f"it holds {values.type}, not numbers"
            raise SamplesError(f"Column {column!r} of {self.name} cannot be used", why, "Number its categories first")
        return array

    def _pieces(self, columns: list[str] | None, first: bool = False) -> Iterator[Any]:
        """Record batches of these columns; with `first`, the column names only."""
        import pyarrow as pa

        try:
            if self._source.name.lower().endswith((".csv", ".tsv", ".txt")):
                yield from self._csv_pieces(columns, first)
            else:
                from pyarrow import parquet

                with parquet.ParquetFile(self._source, memory_map=True) as file:
                    yield from file.schema_arrow.names if first else file.iter_batches(_PIECE, columns=columns)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            why = (str(error).splitlines() or ["it is damaged"])[0][:200].rstrip(".")
            raise SamplesError(f"{self.name} cannot be read as a table", why, "Save it again as CSV or Parquet") from None

    def _csv_pieces(self, columns: list[str] | None, first: bool) -> Iterator[Any]:
        from pyarrow import csv

        with self._source.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.readline()
        separator = max(",\t;|", key=head.count)
        read = csv.ReadOptions(block_size=16 << 20, column_names=list(self._names) if self._names else None)
        parse = csv.ParseOptions(delimiter=separator, newlines_in_values=True)
        convert = csv.ConvertOptions(include_columns=columns, strings_can_be_null=False)
        with csv.open_csv(self._source, read, parse, convert) as reader:
            yield from reader.schema.names if first else reader


class TableSamples(ArrayFileSamples):
    """Rows of a table; each input is one column, or several side by side, kept as a mapped file."""

    kind = "table"

    def __init__(self, name: str, table: Table, columns: tuple[str, ...], *args: Any, **options: Any) -> None:
        super().__init__(name, *args, **options)
        self._table = table  # its folder, with the mapped files, lives as long as it
        self._columns = columns

    def show(self, rows: np.ndarray) -> Look:
        cells = [map(shortened, self._table.texts(column, rows)) for column in self._columns]
        return Look(captions(self.labels(rows), len(rows)), cells=(self._columns, *zip(*cells, strict=True)))


def open_table(
    source: Path,
    model: Model,
    *,
    labels: str | None = None,
    group: str | None = None,
    columns: dict[str, str | Sequence[str]] | None = None,
    names: Sequence[str] | None = None,
    missing: float | None = None,
    task: Task | None = None,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> TableSamples:
    """Open a CSV or Parquet file: columns go to the inputs of the same name, or as `columns` maps them.

    Raises:
        SamplesError: columns are missing or do not fit the inputs.
    """
    table = Table(source, names)
    feeder = Feeder(model, settings)
    label = labels if labels is not None else next((c for c in _LABELS if c in table.columns), None)
    chosen = _columns(table, feeder, columns or {}, {label, group})
    kept = [c for many in chosen.values() for c in many] + [c for c in (label, group) if c is not None]
    table.keep(kept)
    target = None if label is None else _labels_of(table, label)
    if target is not None:
        task = task or Task()
    if task is not None and group is not None:
        _, groups = np.unique(np.asarray(table.texts(group)), return_inverse=True)
        task = Task(task.kind, task.metrics, task.output, groups, task.options)
        options["blocks"] = groups
    arrays = {name: _spooled(table, feeder.find(name), many, missing, i) for i, (name, many) in enumerate(chosen.items())}
    shown = tuple(dict.fromkeys(c for many in chosen.values() for c in many))
    return TableSamples(source.stem, table, shown, arrays, target, feeder, task=task, **options)


def _spooled(table: Table, one: Input, columns: tuple[str, ...], missing: float | None, number: int) -> np.ndarray:
    """Columns as one mapped array in the shape and type of the input, written piece by piece.

    Raises:
        SamplesError: they do not fit the input, or hold indices beyond its table.
    """
    widths = [table.width(column) for column in columns]
    path = table.folder / f"{number}.bin"
    shape: tuple[int, ...] = ()
    with path.open("wb") as file:
        for start in range(0, len(table), _PIECE):
            rows = np.arange(start, min(start + _PIECE, len(table)))
            parts = [table.numbers(c, rows, missing, width) for c, width in zip(columns, widths, strict=True)]
            values = _shaped(one, parts)
            _check_indices(one, values)
            values.astype(one.dtype).tofile(file)
            shape = values.shape[1:]
    return np.memmap(path, one.dtype, "r", shape=(len(table), *shape))


def _columns(
    table: Table, feeder: Feeder, given: dict[str, str | Sequence[str]], taken: set[str | None]
) -> dict[str, tuple[str, ...]]:
    chosen = {}
    for name, columns in given.items():
        feeder.find(name)
        chosen[name] = (columns,) if isinstance(columns, str) else tuple(columns)
    for one in feeder.inputs:
        if one.name not in chosen and one.name in table.columns:
            chosen[one.name] = (one.name,)
    missing = [one for one in feeder.wanted if one.name not in chosen]
    used = {c for many in chosen.values() for c in many} | taken
    spare = tuple(c for c in table.columns if c not in used)
    if len(missing) == 1 and spare and missing[0].shape[-1] in (len(spare), None) and len(missing[0].shape) == 2:
        chosen[missing[0].name] = spare
    elif missing:
        todo = f"Map columns to it; the table has: {', '.join(table.columns)}"
        raise SamplesError(f"{table.name} has no column for input {missing[0].name!r}", todo=todo)
    return chosen


def _shaped(one: Input, parts: list[np.ndarray]) -> np.ndarray:
    """Columns side by side in the shape of the input's rows."""
    wanted = one.row_shape(one.shape)  # type: ignore[arg-type]
    values = parts[0] if len(parts) == 1 else np.concatenate([p.reshape(len(p), -1) for p in parts], 1)
    if one.integer and values.dtype.kind == "f":
        if not np.array_equal(values, np.round(values)):
            raise SamplesError(f"The columns do not fit input {one.name!r}", f"it takes {one.dtype} and they have fractions")
        values = values.astype(np.int64)
    sizes = [d for d in wanted if isinstance(d, int)]
    size = int(np.prod(values.shape[1:]))
    if len(sizes) == len(wanted):
        if int(np.prod(sizes)) != size:
            if len(wanted) == 1 and values.ndim == 2 and size < sizes[0]:
                return np.pad(values, ((0, 0), (0, sizes[0] - size)))
            why = f"it takes {int(np.prod(sizes))} values per row and they have {size}"
            raise SamplesError(f"The columns do not fit input {one.name!r}", why)
        return values.reshape(len(values), *sizes)
    return values.reshape(len(values), -1) if len(wanted) == 1 else values


def _labels_of(table: Table, column: str) -> np.ndarray:
    import pyarrow as pa

    kind = table.take(column).type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return np.unique(np.asarray(table.texts(column)), return_inverse=True)[1]
    return table.numbers(column)


def _check_indices(one: Input, values: np.ndarray) -> None:
    if one.high is not None and ((values < 0).any() or (values >= one.high).any()):
        worst = int(values.max() if (values >= one.high).any() else values.min())
        why = f"{worst} occurs and the table of input {one.name!r} has {int(one.high.max())} rows"
        raise SamplesError("The numbers of the categories do not fit the model", why, "Number them from 0 as in training")
