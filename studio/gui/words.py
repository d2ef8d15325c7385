"""Every text the user reads goes through `tr` (or through `say`, where the core wrote it), to be shown in another language.

The texts of all sources are collected, translated and compiled by `packaging/translations.py`.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from studio.paths import resources

#: Context of the window's own texts, and of the sentences that come from the core.
CONTEXT, CORE = "studio", "core"
#: Codes of the settings and how each language calls itself.
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
_ENGLISH = "en"

_installed: list[QTranslator] = []
_language = _ENGLISH
_sentences: Sentences | None = None


def tr(text: str, **values: Any) -> str:
    """`text` in the language of the window, with `{name}` replaced by values. The first argument is always a literal."""
    return _filled(text, values)


class Later:
    """As `tr`, but translated whenever it is read: for texts that outlive a change of language."""

    def __init__(self, text: str, **values: Any) -> None:
        self._text, self._values = text, values

    def __str__(self) -> str:
        return _filled(self._text, self._values)


def trn(one: str, many: str, count: int, **values: Any) -> str:
    """As `tr`, with the form for one or for many; `{count}` is replaced by the number."""
    return _filled(one if count == 1 else many, {"count": f"{count:,}", **values})


def _filled(text: str, values: dict[str, Any]) -> str:
    found = QCoreApplication.translate(CONTEXT, text)
    return found.format(**values) if values else found


@lru_cache(maxsize=65_536)
def say(text: str) -> str:
    """A sentence of the core (an error, a refusal, a note, a help text) in the language of the window; as it is if unknown."""
    return _sentences.say(text) if _sentences is not None and text else text


def plain(text: str) -> str:
    """The text of an action without its mnemonic, "&Open…" or "打开(&O)…", and without its dots."""
    return _MNEMONIC.sub("", text).replace("&", "").rstrip("…")


def hint(text: str) -> str:
    """`text` for a tooltip, where Qt draws what looks like markup as markup: the name of a layer or a file could."""
    return f"<qt>{html.escape(text)}</qt>".replace("\n", "<br>") if "<" in text or "&" in text else text


def language() -> str:
    """The language in use, a key of `LANGUAGES`."""
    return _language


def install(wanted: str) -> None:
    """Use a language of `LANGUAGES`; empty for that of the system, or English where the system's is none of them.

    Numbers are written as in English in every language: most of them are made by the core.
    """
    global _language, _sentences
    _language = wanted if wanted in LANGUAGES else _of_system()
    application = QCoreApplication.instance()
    assert application is not None
    for translator in _installed:
        application.removeTranslator(translator)
    _installed.clear()
    say.cache_clear()
    _sentences = None
    locale = QLocale(QLocale.Language.English, QLocale.Country.UnitedStates)
    if _language != _ENGLISH:
        locale = QLocale(_language)
        folders = (resources() / "translations", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
        for name, folder in zip(("studio", "qtbase"), folders, strict=True):
            translator = QTranslator(application)
            if translator.load(f"{name}_{_language}", str(folder)):
                application.installTranslator(translator)
                _installed.append(translator)
        _sentences = Sentences(catalog(_language, CORE))
    QLocale.setDefault(locale)


def _of_system() -> str:
    system = QLocale.system()
    simplified = system.language() == QLocale.Language.Chinese and system.script() != QLocale.Script.TraditionalHanScript
    return "zh_CN" if simplified else _ENGLISH


def catalog(code: str, context: str) -> dict[str, str]:
    """Source -> translation of one context of a language; what is not translated is left out."""
    path = resources() / "translations" / f"studio_{code}.ts"
    if not path.is_file():
        return {}
    found = {}
    for part in ElementTree.parse(path).getroot().iter("context"):
        if part.findtext("name") == context:
            pairs = ((one.findtext("source") or "", one.findtext("translation") or "") for one in part.iter("message"))
            found.update({source: target for source, target in pairs if target})
    return found


class Sentences:
    """Translates English sentences by a catalog whose sources are whole texts, or templates with `{0}`, `{1}` for what varies.

    The most specific template wins: the one with the most text of its own; one with hardly any, such as "{0} is {1}", only
    where its parts are known. Parts of a template that are sentences themselves are translated too. A text of several
    sentences, or of clauses joined by semicolons, colons or commas, is translated clause by clause.
    """

    def __init__(self, translations: dict[str, str]) -> None:
        self._whole: dict[str, str] = {}
        # Those that tell, and those with hardly any text of their own.
        self._templates: tuple[list[_Template], list[_Template]] = ([], [])
        for source, target in sorted(translations.items(), key=lambda pair: -len(_HOLE.sub("", pair[0]))):
            source, target = source.rstrip("."), target.rstrip("。")
            if not _HOLE.search(source):
                self._whole[source] = target
                continue
            pieces = _HOLE.split(source)  # text, number, text, number, ..., text
            texts, numbers = pieces[::2], [int(number) for number in pieces[1::2]]
            pattern = "(.*?)".join(map(re.escape, texts))
            if not texts[-1] and not target.endswith(f"{{{numbers[-1]}}}"):  # what follows must not land in the middle
                pattern = pattern.removesuffix("(.*?)") + _CLAUSE
            weak = len(re.findall("[A-Za-z]", "".join(texts))) < _TELLING
            self._templates[weak].append((max(texts, key=len), re.compile(pattern, re.DOTALL), numbers, target))

    def say(self, text: str) -> str:
        """The translation, or the text as it is. Sentences in it that are translated already stay."""
        if "。" in text:
            return "".join(self.say(piece) if piece[-1:] != "。" else piece for piece in _TRANSLATED_END.split(text))
        return self._sentence(text) or self._by_sentence(text) or self._by_clause(text) or self._sentence(text, True) or text

    def _sentence(self, text: str, weak: bool = False) -> str:
        bare = text.rstrip(".")
        small = bare[:1].lower() + bare[1:]  # clauses are written small and may stand at the start
        target = self._known(bare, weak) or self._known(small, weak)
        return target + "。" if target and text.endswith(".") else target

    def _known(self, bare: str, weak: bool) -> str:
        if bare in self._whole:
            return self._whole[bare]
        for longest, pattern, numbers, target in self._templates[weak]:
            if longest in bare and (match := pattern.fullmatch(bare)):
                if any(part.count("(") != part.count(")") for part in match.groups()):
                    continue
                parts = {number: self._part(part) for number, part in zip(numbers, match.groups(), strict=True)}
                if weak and any(" " in part and self._part(part) == part for part in match.groups()):
                    continue
                return _HOLE.sub(lambda hole, parts=parts: parts[int(hole[1])], target)  # type: ignore[misc]
        return ""

    def _part(self, text: str) -> str:
        # A single word is most likely a name: that of a layer, a file, an operator.
        return self.say(text) if " " in text.strip() else text

    def _by_sentence(self, text: str) -> str:
        pieces = _SENTENCE_END.split(text)
        if len(pieces) == 1:
            return ""
        there = [self.say(piece) for piece in pieces]
        return "".join(map(_ended, there)) if there != pieces else ""

    def _by_clause(self, text: str) -> str:
        for separator, sign in (("; ", "；"), (": ", "："), (", ", "，")):
            left, found, right = text.partition(separator)
            if found:
                there = self.say(left), self.say(right)
                if there != (left, right):
                    return _ended(sign.join(there))
        if (aside := _ASIDE.fullmatch(text)) and self.say(aside[2]) != aside[2]:
            return f"{self.say(aside[1])}（{self.say(aside[2])}）"
        return ""


def _ended(text: str) -> str:
    return text.removesuffix(".") + "。" if text.endswith(".") else text


_Template = tuple[str, re.Pattern[str], list[int], str]  # longest text, pattern, numbers of its groups, translation
_MNEMONIC = re.compile(r"\(&\w\)")
_TELLING = 6  # letters that make a template unlikely to fit by chance
_HOLE = re.compile(r"\{(\d+)\}")
_CLAUSE = r"((?:(?!: |; |[.?!] [A-Z0-9]).)*)"  # no more than one
_ASIDE = re.compile(r"(.+) \(([^()]+)\)")
_TRANSLATED_END = re.compile("(?<=。) ?")
_SENTENCE_END = re.compile(r"(?<=[^.][.?!]) (?=[A-Z0-9])")
