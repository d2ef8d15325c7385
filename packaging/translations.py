"""Keeps the translations complete: collects every text, merges it into the catalogs, compiles them.

    python packaging/translations.py              collect, merge, compile
    python packaging/translations.py --check      only say whether anything is untranslated, stale or not compiled (exit code 1)
    python packaging/translations.py --todo       print what is untranslated as JSON: {context: {source: ""}}
    python packaging/translations.py --fill FILE  merge such a JSON with translations ("-" for standard input), then compile

Two contexts: "studio" holds the literals given to `tr` and `trn` in the window, "core" the sentences of everything below it,
which are English there. An f-string of the core becomes a template with `{0}`, `{1}` for its parts.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from PySide6.QtCore import QTranslator

from studio.setting import titled

ROOT = Path(__file__).resolve().parents[1]
STUDIO, FOLDER = ROOT / "studio", ROOT / "resources" / "translations"
LANGUAGES = ("zh_CN",)
HOLE = re.compile(r"\{(\w*)(?::[^{}]*)?\}")
# What is read on a terminal or by programs only, or says nothing itself.
_NOT_SHOWN = ("gui", "cli", "plain.py", "paths.py", "__main__.py", "api.py", "processor.py", "wire.py")
# Calls whose texts nobody reads: patterns, defects of our own code, names.
_SILENT = {
    "compile", "sub", "search", "match", "fullmatch", "findall", "finditer", "split", "partition", "rpartition", "startswith",
    "endswith", "replace", "strip", "removeprefix", "removesuffix", "encode", "ValueError", "TypeError", "KeyError",
    "AssertionError", "RuntimeError", "NotImplementedError", "AttributeError", "open", "getattr", "hasattr", "import_module",
    "get", "Popen", "run", "filterwarnings", "TypeVar", "namedtuple", "info", "debug", "warn",
}  # fmt: skip
_SPOKEN = {"progress", "log", "part", "note", "left", "changed"}  # texts of a single word count too


Catalog = dict[str, dict[str, str]]


def collected() -> Catalog:
    """Context -> every source text, with empty translations."""
    window, core = set(), set()
    for path in sorted((STUDIO / "gui").rglob("*.py")):
        window |= set(_window_texts(ast.parse(path.read_text("utf-8"))))
    for path in sorted(STUDIO.rglob("*.py")):
        if path.relative_to(STUDIO).parts[0] not in _NOT_SHOWN and path.name not in _NOT_SHOWN:
            core |= set(_core_texts(ast.parse(path.read_text("utf-8"))))
    core |= set(_sample_models())
    return {"studio": dict.fromkeys(sorted(window), ""), "core": dict.fromkeys(sorted(core), "")}


def _window_texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "trn", "Later"):
            for argument in node.args[: 2 if node.func.id == "trn" else 1]:
                if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                    raise SystemExit(f"line {node.lineno}: {node.func.id} takes literals: {ast.unparse(node)[:80]}")
                yield argument.value


def _core_texts(tree: ast.AST) -> Iterator[str]:
    """Every text of two words or more that is not documentation, and what is said to a job or of a layer."""
    silent = {id(inner) for node in ast.walk(tree) for part in _unread(node) for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node) in _SPOKEN:
            yield from (text for argument in node.args if re.search("[a-z]{2}", text := _template(argument)))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call) and _name(node.value) == "setting":
            yield titled(ast.unparse(node.target))  # as forms show it
        elif isinstance(node, ast.ClassDef) and _declares_name(node):
            yield " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())  # the summary of a method
        elif id(node) not in silent and _is_prose(text := _template(node)):
            yield text


def _unread(node: ast.AST) -> list[ast.AST]:
    """The parts of a node whose texts nobody reads, or are read as a whole."""
    if isinstance(node, ast.Call) and _name(node) in _SILENT:
        return [*node.args]
    if isinstance(node, ast.Assert):
        return [node]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return [node]  # documentation
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.Compare):
        return [node]
    if isinstance(node, ast.JoinedStr):
        specs = [one.format_spec for one in node.values if isinstance(one, ast.FormattedValue) and one.format_spec]
        return [*specs, *(one for one in node.values if isinstance(one, ast.Constant))]
    return []


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _declares_name(node: ast.ClassDef) -> bool:
    return any(isinstance(one, ast.AnnAssign) and ast.unparse(one.target) == "name" and one.value for one in node.body)


def _template(node: ast.AST) -> str:
    """A literal as it is, an f-string with numbered holes, anything else nothing."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts, holes = [], 0
    for one in node.values:
        if isinstance(one, ast.Constant):
            parts.append(str(one.value))
        else:
            parts.append(f"{{{holes}}}")
            holes += 1
    return "".join(parts)


def _is_prose(text: str) -> bool:
    """Whether a text is made of words: at least two, or one beside what is filled in."""
    words = re.findall(r"(?<![\w{<./_-])[A-Za-z][a-z']*(?![\w}>/_(=\[])", HOLE.sub("{}", text))
    odd = re.search(r"[<>\\|=\0\r]|__|\(\?|^\s*[-/.]|%[sd]|\n.*\n", text.replace(" => ", " "))
    enough = len(words) >= 2 or HOLE.search(text) or re.match(r"\d+ [a-z]", text)
    return bool(enough) and " " in text.strip() and not odd and any(len(word) > 1 and word.islower() for word in words)


def _sample_models() -> Iterator[str]:
    from studio.gui.welcome import samples

    for sample in samples():
        yield from (sample.name, sample.about)


def read(language: str) -> Catalog:
    """What the catalog of a language holds; empty where there is none."""
    path = FOLDER / f"studio_{language}.ts"
    found: Catalog = {}
    if path.is_file():
        for context in ElementTree.parse(path).getroot().iter("context"):
            messages = {one.findtext("source") or "": one.findtext("translation") or "" for one in context.iter("message")}
            found[context.findtext("name") or ""] = messages
    return found


def merged(language: str, more: Catalog) -> Catalog:
    """Every text of the sources with its translation, as far as there is one."""
    old = read(language)
    return {
        context: {text: more.get(context, {}).get(text) or old.get(context, {}).get(text, "") for text in texts}
        for context, texts in collected().items()
    }


def as_ts(language: str, catalog: Catalog) -> str:
    """A catalog as Qt Linguist reads it."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>"]
    lines.append(f'<TS version="2.1" language="{language}" sourcelanguage="en">')
    for context, texts in catalog.items():
        lines += ["<context>", f"    <name>{context}</name>"]
        for source, target in texts.items():
            state = "" if target else ' type="unfinished"'
            lines += ["    <message>", f"        <source>{escape(source)}</source>"]
            lines += [f"        <translation{state}>{escape(target)}</translation>", "    </message>"]
        lines.append("</context>")
    return "\n".join([*lines, "</TS>", ""])


def compiled(ts: Path) -> bytes:
    """What Qt's lrelease makes of a catalog."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "made.qm"
        tool = Path(sys.executable).with_name("pyside6-lrelease")
        done = subprocess.run([tool, "-silent", "-removeidentical", ts, "-qm", target], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return target.read_bytes()


def faults(language: str) -> list[str]:
    """What is wrong with the catalog of a language, one line each."""
    catalog, now = read(language), collected()
    found = []
    for context, texts in now.items():
        have = catalog.get(context, {})
        found += [f"{context}: not translated: {text}" for text in texts if not have.get(text)]
        found += [f"{context}: no longer used: {text}" for text in have if text not in texts]
        for source, target in have.items():
            if target and sorted(HOLE.findall(source)) != sorted(HOLE.findall(target)):
                found.append(f"{context}: other placeholders than in the source: {source}")
    return [*found, *_not_compiled(FOLDER / f"studio_{language}.qm", catalog)]


def _not_compiled(path: Path, catalog: Catalog) -> list[str]:
    """By what it answers: other versions of lrelease may write other bytes, and identical texts are left out."""
    translator = QTranslator()
    translator.load(str(path))
    pairs = ((context, *pair) for context, texts in catalog.items() for pair in texts.items())
    if all((translator.translate(context, source) or source) == (target or source) for context, source, target in pairs):
        return []
    return [f"{path.name} is not what its catalog compiles to: run packaging/translations.py"]


def main() -> int:
    option = sys.argv[1] if len(sys.argv) > 1 else ""
    more: Catalog = {}
    if option == "--check":
        found = [fault for language in LANGUAGES for fault in faults(language)]
        print("\n".join(found))
        return int(bool(found))
    if option == "--fill":
        more = json.loads(sys.stdin.read() if sys.argv[2] == "-" else Path(sys.argv[2]).read_text("utf-8"))
        known = collected()
        strangers = [text for context, texts in more.items() for text in texts if text not in known.get(context, {})]
        if strangers:
            print("Not in the sources:", *strangers, sep="\n  ", file=sys.stderr)
    for language in LANGUAGES:
        catalog = merged(language, more)
        if option == "--todo":
            left = {name: {text: "" for text, done in texts.items() if not done} for name, texts in catalog.items()}
            print(json.dumps(left, ensure_ascii=False, indent=1))
            continue
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"studio_{language}.ts"
        path.write_text(as_ts(language, catalog), "utf-8")
        path.with_suffix(".qm").write_bytes(compiled(path))
        missing = sum(not done for texts in catalog.values() for done in texts.values())
        print(f"{language}: {sum(map(len, catalog.values()))} texts, {missing} not translated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
