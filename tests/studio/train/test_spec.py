"""The small languages of training settings."""

from __future__ import annotations

import pytest

from studio.errors import SettingError
from studio.gui.distill.settings import pairs_text
from studio.method import make_method
from studio.train.spec import (
    LOSSES,
    LossTerm,
    Ranges,
    Sparsity,
    parse_losses,
    parse_pairs,
    parse_paths,
    parse_ranges,
    parse_sparsity,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("auto", ()),
        ("", ()),
        ("soft", (LossTerm("soft", 1.0),)),
        ("soft 1, features 0.5,truth 1e-1", (LossTerm("soft", 1.0), LossTerm("features", 0.5), LossTerm("truth", 0.1))),
        ("  logits  2 ", (LossTerm("logits", 2.0),)),
    ],
)
def test_losses_are_names_with_weights(text: str, terms: tuple[LossTerm, ...]) -> None:
    assert parse_losses(text) == terms


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soft x", "'soft x' is not a loss. Write names and weights, such as \"soft 1, truth 0.1\"."),
        ("soft 1 2", "'soft 1 2' is not a loss. Write names and weights, such as \"soft 1, truth 0.1\"."),
        ("soft -1", "'soft -1' is not a loss. Write names and weights, such as \"soft 1, truth 0.1\"."),
        ("soft,", "'' is not a loss. Write names and weights, such as \"soft 1, truth 0.1\"."),
        ("kd 1", f"There is no loss named 'kd'. Choose from {', '.join(LOSSES)}."),
        ("soft 1, soft 2", "The loss 'soft' is named twice."),
        ("soft 0, truth 0", "At least one loss must have a weight above 0."),
    ],
)
def test_losses_that_are_not_valid_are_refused(text: str, message: str) -> None:
    with pytest.raises(SettingError) as error:
        parse_losses(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("constant 0.5", Sparsity("constant", 0.5)),
        ("polynomial .75", Sparsity("polynomial", 0.75)),
        ("0: 0, 100: 0.5, 400: 0.75", Sparsity("steps", 0.75, ((0, 0.0), (100, 0.5), (400, 0.75)))),
        ("{0: 0.1, 10: 1}", Sparsity("steps", 1.0, ((0, 0.1), (10, 1.0)))),
    ],
)
def test_sparsity_is_a_curve_or_shares_by_step(text: str, found: Sparsity | None) -> None:
    assert parse_sparsity(text) == found


@pytest.mark.parametrize(
    "text", ["half", "constant", "constant 1.5", "0 0.5", "0: 0, 0: 0.5", "10: 0.5, 5: 0.6", "0: 2", "0: x"]
)
def test_sparsity_that_is_not_valid_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match='Write "constant 0.5", "polynomial 0.75" or "0: 0, 100: 0.5, 400: 0.75"'):
        parse_sparsity(text)


@pytest.mark.parametrize(
    ("text", "found"), [("fixed", Ranges()), ("follow", Ranges(True)), (" follow  until 300 ", Ranges(True, 300))]
)
def test_ranges_stay_or_follow(text: str, found: Ranges) -> None:
    assert parse_ranges(text) == found


@pytest.mark.parametrize("text", ["", "fixed until 3", "follow until", "yes"])
def test_ranges_that_are_not_valid_are_refused(text: str) -> None:
    with pytest.raises(SettingError, match='Write "fixed", "follow" or "follow until 300"'):
        parse_ranges(text)


def test_pairs_and_paths() -> None:
    assert parse_pairs("") == ()
    assert parse_pairs("auto") is None
    assert parse_pairs("a b => c; /x/y=>z ;") == (("a b", "c"), ("/x/y", "z"))
    with pytest.raises(SettingError, match="'a => ' is not a pair of values|'a =>' is not a pair of values"):
        parse_pairs("a => ; b => c")
    assert parse_paths(" large.onnx; middle.onnx ;") == ("large.onnx", "middle.onnx")


def test_names_and_paths_may_hold_semicolons() -> None:
    pairs = (("a/Relu;b/BiasAdd", "a/Relu"), ("c", "d;e;f"))
    assert parse_pairs(pairs_text(pairs)) == pairs
    assert parse_paths("/models;old/large.onnx; middle.onnx") == ("/models;old/large.onnx", "middle.onnx")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("distill", {"losses": "kd"}, f"distill: There is no loss named 'kd'. Choose from {', '.join(LOSSES)}."),
        ("distill", {"losses": "features 1"}, "distill: the loss features needs pairs, at least auto."),
        ("distill", {"initialize": True}, "distill: initialize has no meaning without a student."),
        ("distill", {"pairs": "a b"}, "distill: 'a b' is not a pair of values. Write \"teacher value => student value; ...\"."),
        ("fine-tune", {"losses": "soft 1"}, "fine-tune: the loss soft compares with a teacher: use distill."),
        ("fine-tune", {"sharding": "full"}, "fine-tune: sharding needs more than one process."),
        (
            "fine-tune",
            {"sparsity": "constant 0.5", "keep_zeros": False},
            "fine-tune: sparsity has no meaning while keep-zeros is false.",
        ),
    ],
)
def test_settings_that_contradict_one_another_cannot_be_made(name: str, settings: dict, message: str) -> None:
    with pytest.raises(SettingError) as error:
        make_method(name, settings)
    assert str(error.value) == message
