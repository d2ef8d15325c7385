"""The machine figures were measured on, as every report names it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from studio import processor
from studio.device import gpus
from studio.plain import from_plain


@dataclass(frozen=True)
class Machine:
    """What decides how fast a model runs here. No user, host or path is in it.

    Attributes:
        processor: its name.
        features: instruction sets that matter to models, such as "AVX512-VNNI".
        cores: physical cores; 0 if unknown.
        threads: logical processors.
        memory: bytes.
        system: operating system, version and architecture.
        versions: of Python, the runtime and the packages that decide about figures.
        gpus: names of the graphics cards.
    """

    processor: str
    features: tuple[str, ...]
    cores: int
    threads: int
    memory: int
    system: str
    versions: dict[str, str]
    gpus: tuple[str, ...] = ()

    def __str__(self) -> str:
        runtime = next((f"{n} {v}" for n, v in self.versions.items() if n.startswith("onnxruntime")), "no runtime")
        cores = f"{self.cores or self.threads} cores"
        return ", ".join([self.processor, cores, f"{self.memory / 1e9:.0f} GB", *self.gpus, self.system, runtime])


@cache
def this_machine() -> Machine:
    """The machine this process runs on."""
    return from_plain(Machine, processor.describe() | {"gpus": [card.name for card in gpus()]})
