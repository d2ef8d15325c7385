"""Colors, palette and style sheet of the light and the dark theme. Data carries the color, the frame does not."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

#: Base unit of all spacing, in pixels.
UNIT = 4
BASE, TITLE, CAPTION = 13, 15, 11  # font sizes in pixels
THEMES = ("system", "light", "dark")
#: Okabe and Ito (2008): eight colors that people with any color vision tell apart; for several variants side by side.
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#8A8A8A")
#: Nine stops of cividis (Nuñez, Anderton and Renslow, 2018): amounts, from low to high.
CIVIDIS = ("#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#FEE838")
#: Changes around zero: orange below, blue above.
DIVERGING = ("#B35806", "#F1A340", "#FEE0B6", "#F2F2F2", "#D1E5F0", "#67A9CF", "#2166AC")


@dataclass(frozen=True)
class Colors:
    """The colors of one theme, as #rrggbb.

    `original` is the color of the model as it was opened and `accent` that of the compressed one, in every plot.
    """

    dark: bool
    window: str
    panel: str
    raised: str
    text: str
    muted: str
    hairline: str
    accent: str
    on_accent: str
    selection: str
    original: str
    good: str
    warning: str
    error: str


LIGHT = Colors(
    dark=False, window="#f4f4f4", panel="#ffffff", raised="#ececec", text="#1c1c1c", muted="#5d5d5d", hairline="#dcdcdc",
    accent="#0a63c2", on_accent="#ffffff", selection="#d3e5f9", original="#8a8a8a", good="#1b7a48", warning="#8a5700",
    error="#b3261e",
)  # fmt: skip
DARK = Colors(
    dark=True, window="#1d1d1d", panel="#242424", raised="#313131", text="#e9e9e9", muted="#acacac", hairline="#3b3b3b",
    accent="#6cb0ff", on_accent="#0c2038", selection="#22415f", original="#9c9c9c", good="#6fd39b", warning="#f2b84b",
    error="#ff8f86",
)  # fmt: skip

_current = LIGHT


def colors() -> Colors:
    """The colors of the theme in use. Ask when drawing, not when importing."""
    return _current


def apply(theme: str) -> None:
    """Give the application the theme "system", "light" or "dark"; costs nothing if it has it."""
    global _current
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    dark = theme == "dark" or (theme == "system" and QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark)
    _current = DARK if dark else LIGHT
    sheet = _style(_current)
    if application.styleSheet() == sheet:  # to set it again would polish every widget there is
        return
    application.setStyle("Fusion")
    application.setPalette(_palette(_current))
    for kind in ("QCheckBox", "QRadioButton", "QAbstractSpinBox", "QSlider"):
        palette = _outlined(_current) if dark else _palette(_current)
        application.setPalette(palette, kind)  # type: ignore[arg-type]
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(BASE)
    application.setFont(font)
    application.setStyleSheet(sheet)


def numbers(size: int = BASE) -> QFont:
    """The interface font with tabular figures."""
    font = QFont(QApplication.font())
    font.setPixelSize(size)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def monospace(size: int = BASE - 1) -> QFont:
    """The face of layer names, code and logs."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(size)
    return font


def _palette(c: Colors) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for target, color in (
        (role.Window, c.window), (role.WindowText, c.text), (role.Base, c.panel), (role.AlternateBase, c.window),
        (role.Text, c.text), (role.Button, c.raised), (role.ButtonText, c.text), (role.BrightText, c.error),
        (role.ToolTipBase, c.raised), (role.ToolTipText, c.text), (role.PlaceholderText, c.muted),
        (role.Highlight, c.selection), (role.HighlightedText, c.text), (role.Link, c.accent), (role.LinkVisited, c.accent),
        (role.Accent, c.accent), (role.Light, c.panel), (role.Midlight, c.raised), (role.Mid, c.hairline),
        (role.Dark, c.hairline), (role.Shadow, c.hairline),
    ):  # fmt: skip
        palette.setColor(target, QColor(color))
    for target in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(c.muted))
    return palette


def _outlined(c: Colors) -> QPalette:
    """The palette of small controls in the dark: Fusion draws their outline darker than the window."""
    palette = _palette(c)
    palette.setColor(QPalette.ColorRole.Window, QColor(c.muted))
    return palette


def _style(c: Colors) -> str:
    return f"""
QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.hairline}; padding: 4px; }}
QMainWindow::separator {{ background: {c.hairline}; width: 1px; height: 1px; }}
QSplitter::handle {{ background: {c.hairline}; }}
QDockWidget {{ font-weight: 600; }}
QDockWidget::title {{ background: {c.window}; padding: 6px 8px; border-bottom: 1px solid {c.hairline}; }}
QToolBar {{ background: {c.window}; border: 0; border-bottom: 1px solid {c.hairline}; spacing: 4px; padding: 4px; }}
QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 3px 7px; }}
QToolButton:hover, QPushButton:hover {{ background: {c.raised}; }}
QToolButton:focus, QPushButton:focus {{ outline: 0; border: 1px solid {c.accent}; }}
QToolButton:checked {{ background: {c.selection}; }}
QPushButton {{ border: 1px solid {c.hairline}; border-radius: 4px; padding: 4px 12px; background: {c.panel}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {c.muted}; }}
QPushButton[primary="true"], QToolButton[primary="true"] {{ background: {c.accent}; color: {c.on_accent};
    border: 1px solid {c.accent}; font-weight: 600; }}
QPushButton[primary="true"]:disabled, QToolButton[primary="true"]:disabled {{ background: {c.raised}; color: {c.muted};
    border: 1px solid {c.hairline}; }}
QPushButton[primary="true"]:focus, QToolButton[primary="true"]:focus {{ border: 1px solid {c.text}; }}
QLineEdit, QPlainTextEdit {{ background: {c.panel}; border: 1px solid {c.hairline};
    border-radius: 4px; padding: 3px 6px; selection-background-color: {c.selection}; selection-color: {c.text}; }}
QSpinBox, QDoubleSpinBox, QComboBox {{ min-height: 22px; }}
QLineEdit:focus, QPlainTextEdit:focus {{ border: 1px solid {c.accent}; }}
QTableView, QListView, QTreeView, QGraphicsView, QScrollArea {{ background: {c.panel}; border: 0; }}
QTableView, QListView, QTreeView {{ gridline-color: {c.hairline}; alternate-background-color: {c.window};
    selection-background-color: {c.selection}; selection-color: {c.text}; }}
QHeaderView::section {{ background: {c.window}; color: {c.muted}; border: 0; border-bottom: 1px solid {c.hairline};
    border-right: 1px solid {c.hairline}; padding: 4px 6px; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {c.hairline}; }}
QTabBar::tab {{ background: transparent; color: {c.muted}; padding: 6px 12px; border: 0;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {c.text}; border-bottom: 2px solid {c.accent}; }}
QTabBar::tab:focus {{ color: {c.accent}; }}
QStatusBar {{ background: {c.window}; border-top: 1px solid {c.hairline}; }}
QStatusBar::item {{ border: 0; }}
QDialog#palette {{ border: 1px solid {c.muted}; }}
QMenu {{ background: {c.panel}; border: 1px solid {c.hairline}; padding: 4px; }}
QMenu::item {{ padding: 4px 24px 4px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {c.selection}; }}
QMenu::item:disabled {{ color: {c.muted}; }}
QMenu::separator {{ height: 1px; background: {c.hairline}; margin: 4px 8px; }}
QMenuBar {{ background: {c.window}; }}
QMenuBar::item:selected {{ background: {c.selection}; }}
QProgressBar {{ background: {c.raised}; border: 0; border-radius: 3px; max-height: 6px; text-align: center; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: 3px; }}
QLabel {{ qproperty-textFormat: PlainText; }}
QLabel[markup="true"] {{ qproperty-textFormat: RichText; }}
QLabel[role="title"] {{ font-size: {TITLE}px; font-weight: 600; }}
QLabel[role="caption"] {{ font-size: {CAPTION}px; color: {c.muted}; }}
QLabel[role="muted"] {{ color: {c.muted}; }}
QLabel[role="warning"] {{ color: {c.warning}; }}
QLabel[role="error"] {{ color: {c.error}; }}
QLabel[role="drop"] {{ background: {c.selection}; border: 2px dashed {c.accent}; border-radius: 8px; font-size: 20px; }}
QFrame[role="hairline"] {{ background: {c.hairline}; max-height: 1px; min-height: 1px; border: 0; }}
"""
