"""This machine as far as it matters for figures: processor, instruction sets, cores, memory, system and versions.

Needs nothing but Python (3.8 or newer), because bundles carry this file to other machines.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import Any

_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnx", "onnx-ir", "numpy", "torch")
# Linux name -> the name people use, in the order of display: what integer, half-precision and wide kernels look for.
_X86 = {
    "sse4_2": "SSE4.2", "avx": "AVX", "f16c": "F16C", "fma": "FMA", "avx2": "AVX2", "avx_vnni": "AVX-VNNI",
    "avx_vnni_int8": "AVX-VNNI-INT8", "avx512f": "AVX512F", "avx512bw": "AVX512BW", "avx512_vnni": "AVX512-VNNI",
    "avx512_bf16": "AVX512-BF16", "avx512_fp16": "AVX512-FP16", "amx_tile": "AMX", "amx_int8": "AMX-INT8",
    "amx_bf16": "AMX-BF16", "amx_fp16": "AMX-FP16",
}  # fmt: skip
_ARM = {
    "asimd": "NEON", "neon": "NEON", "asimdhp": "NEON-FP16", "asimddp": "NEON-DOTPROD", "i8mm": "I8MM", "bf16": "BF16",
    "sve": "SVE", "sve2": "SVE2", "sme": "SME", "sme2": "SME2",
}  # fmt: skip
_MAC_X86 = {"hw.optional.avx2_0": "AVX2", "hw.optional.fma": "FMA", "hw.optional.avx512f": "AVX512F"}
_MAC_ARM = {
    "hw.optional.AdvSIMD": "NEON", "hw.optional.arm.FEAT_FP16": "NEON-FP16", "hw.optional.arm.FEAT_DotProd": "NEON-DOTPROD",
    "hw.optional.arm.FEAT_I8MM": "I8MM", "hw.optional.arm.FEAT_BF16": "BF16", "hw.optional.arm.FEAT_SME": "SME",
    "hw.optional.arm.FEAT_SME2": "SME2",
}  # fmt: skip
# Windows: numbers of IsProcessorFeaturePresent (winnt.h).
_WINDOWS = {38: "SSE4.2", 39: "AVX", 40: "AVX2", 41: "AVX512F", 19: "NEON", 43: "NEON-DOTPROD"}
# Linux on ARM names only the vendor: implementer and part number (ARM's main ID register) tell the core.
_ARM_PARTS = {
    "0xd03": "Cortex-A53", "0xd05": "Cortex-A55", "0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77", "0xd40": "Neoverse-V1",
    "0xd41": "Cortex-A78", "0xd44": "Cortex-X1", "0xd46": "Cortex-A510", "0xd47": "Cortex-A710", "0xd48": "Cortex-X2",
    "0xd49": "Neoverse-N2", "0xd4d": "Cortex-A715", "0xd4e": "Cortex-X3", "0xd4f": "Neoverse-V2", "0xd80": "Cortex-A520",
    "0xd81": "Cortex-A720", "0xd82": "Cortex-X4",
}  # fmt: skip


def describe() -> dict[str, Any]:
    """Plain values: `processor` (name), `features` (list), `cores` (physical, 0 if unknown), `threads` (logical),
    `memory` (bytes, 0 if unknown), `system` (operating system, its version and the architecture) and `versions`
    (of Python and of those packages that decide about figures, as far as they are installed).

    Nothing in it names a user, a host or a path.
    """
    name, features, cores = _read()
    threads = os.cpu_count() or 1
    return {
        "processor": name or platform.processor() or platform.machine() or "unknown processor",
        "features": features,
        "cores": cores,
        "threads": threads,
        "memory": _memory(),
        "system": "{} {} {}".format(platform.system(), platform.release().split("-")[0], platform.machine()).strip(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    """Versions as the package records tell them: nothing is imported."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _read() -> tuple[str, list[str], int]:
    try:
        if sys.platform.startswith(("linux", "android")):
            with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  (no pathlib needed)
                return parse_cpuinfo(file.read())
        if sys.platform == "darwin":
            return _mac()
        if sys.platform == "win32":
            return _windows()
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
    return "", [], 0


def parse_cpuinfo(text: str) -> tuple[str, list[str], int]:
    """(name, features, physical cores) from the text of Linux's /proc/cpuinfo, x86 or ARM."""
    name, package = "", "0"
    parts: list[str] = []
    flags: set[str] = set()
    cores: set[tuple[str, str]] = set()
    for line in text.splitlines():
        key, _, value = (piece.strip() for piece in line.partition(":"))
        if key in ("model name", "Hardware", "Model") and (not name or key == "model name"):
            name = value
        elif key in ("flags", "Features") and not flags:
            flags = set(value.split())
        elif key == "CPU part" and value not in parts:
            parts.append(value)
        elif key == "physical id":
            package = value
        elif key == "core id":
            cores.add((package, value))
    if parts and not name:
        name = " + ".join(_ARM_PARTS.get(part, "ARM part " + part) for part in parts)
    known = _ARM if "asimd" in flags or "neon" in flags else _X86
    features = []
    for flag, shown in known.items():
        if flag in flags and shown not in features:
            features.append(shown)
    return " ".join(name.split()), features, len(cores)


def _sysctl(key: str) -> str:
    done = subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, timeout=5, check=False)
    return done.stdout.strip()


def _mac() -> tuple[str, list[str], int]:
    known = _MAC_ARM if platform.machine() == "arm64" else _MAC_X86
    features = [shown for key, shown in known.items() if _sysctl(key) == "1"]
    return _sysctl("machdep.cpu.brand_string"), features, int(_sysctl("hw.physicalcpu") or 0)


def _windows() -> tuple[str, list[str], int]:
    import ctypes
    import winreg

    key = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0")  # type: ignore[attr-defined,unused-ignore]
    name = winreg.QueryValueEx(key, "ProcessorNameString")[0]  # type: ignore[attr-defined,unused-ignore]
    present = ctypes.windll.kernel32.IsProcessorFeaturePresent  # type: ignore[attr-defined,unused-ignore]
    return " ".join(name.split()), [shown for number, shown in _WINDOWS.items() if present(number)], 0


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        pass
    try:
        import psutil

        return int(psutil.virtual_memory().total)
    except ImportError:
        return 0
