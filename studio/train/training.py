"""Training: what fine-tune and distill share, settings first. Importing this file imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from studio.errors import SettingError
from studio.method import Context, Method
from studio.model import Layer, Model
from studio.setting import setting
from studio.train import spec
from studio.train.options import TrainOptions

if TYPE_CHECKING:
    from studio.train.data import TrainingData
    from studio.train.learner import Recurrence
    from studio.train.lesson import Lesson
    from studio.twin.module import Twin


@dataclass(frozen=True)
class Training(Method):
    """A method that trains the weights of the selected layers; all others stay as they are, to the byte.

    Subclasses say what is learned from by `lesson`.
    """

    calibrates: ClassVar[bool] = True
    improves: ClassVar[bool] = True
    #: Whether made-up inputs are enough to learn from.
    invents: ClassVar[bool] = False

    data: str = setting("", help="Samples to train on: a folder, file or description; empty takes the calibration rows.")
    losses: str = setting("auto", help='What is minimized, such as "soft 1, features 0.5"; auto takes what fits the outputs.')
    balance: str = setting(
        "fixed", choices=("fixed", "auto"), help="Keep the weights of losses as given, or bring all losses to one scale first."
    )
    epochs: int = setting(30, 1, 100_000, help="Passes over the training rows; counts only while steps is 0.")
    steps: int = setting(0, 0, 10_000_000, help="Updates of the weights; 0 makes as many as epochs say.")
    minutes: float = setting(
        0.0, 0.0, 100_000.0, unit="min", help="Longest time; fewer steps are made if they would take longer. 0 sets no limit."
    )
    batch_size: int = setting(32, 1, 65_536, unit="rows", help="Rows per forward pass.")
    accumulate: int = setting(1, 1, 4096, help="Forward passes per update of the weights, where one large one does not fit.")
    learning_rate: float = setting(
        0.0, 0.0, 10.0, help="Highest learning rate; 0 finds one by a range test before the first step."
    )
    schedule: str = setting(
        "cosine", choices=("constant", "linear", "cosine", "one-cycle"), help="How the learning rate changes after warm-up."
    )
    warmup: float = setting(0.05, 0.0, 0.9, help="Share of the steps over which the learning rate rises from near zero.")
    optimizer: str = setting("adamw", choices=("adamw", "sgd"), help="How gradients become updates.")
    weight_decay: float = setting(0.0, 0.0, 1.0, help="Share by which weights shrink per update and learning rate.")
    clip: float = setting(1.0, 0.0, 1e6, help="Greatest norm of the gradient; 0 sets no bound.")
    ema: float = setting(
        0.0,
        0.0,
        0.99999,
        help="Keep the moving average of the weights: the share an update leaves in place; 0 keeps the latest.",
    )
    precision: str = setting(
        "auto",
        choices=("auto", "float32", "bf16-mixed", "16-mixed"),
        help="Type to compute in; auto is float32 on a CPU and mixed bfloat16 on a GPU that has it.",
    )
    holdout: float = setting(
        0.1, 0.01, 0.5, help="Share of the training rows that is kept out of training to choose the best weights by."
    )
    patience: int = setting(
        10, 0, 1000, help="Stop after so many evaluations on held-out rows without a gain; 0 makes all the steps."
    )
    keep_zeros: bool = setting(True, help="Weights that are zero stay zero, so that pruning is kept.")
    sparsity: str = setting(
        "", help='Share of zeros that weights reach while they train: "constant 0.5", "polynomial 0.75" or "0: 0, 100: 0.5".'
    )
    ranges: str = setting(
        "fixed", help='Quantization ranges of activations while weights train: "fixed", "follow" or "follow until 300".'
    )
    batch_norm: str = setting(
        "frozen",
        choices=("frozen", "train", "unfold"),
        help="Keep the statistics of batch normalization, train them, or also restore those that were folded into weights.",
    )
    processes: int = setting(1, 1, 4096, help="Processes that train together, one per GPU where there are GPUs.")
    sharding: str = setting(
        "none", choices=("none", "full"), help="Every process holds all weights, or each a part (for models that do not fit)."
    )
    checkpoint_seconds: float = setting(
        30.0, 0.0, 86_400.0, unit="s", help="Time between checkpoints to go on from; 0 makes one only on cancel."
    )
    compile: str = setting(
        "auto",
        choices=("auto", "no", "yes"),
        help="Compile the training step with torch.compile; auto where it is likely to pay.",
    )

    def contradiction(self) -> str | None:
        try:
            spec.parse_losses(self.losses)
            sparsity = spec.parse_sparsity(self.sparsity)
            spec.parse_ranges(self.ranges)
        except SettingError as error:
            return str(error).rstrip(".")
        if sparsity is not None and not self.keep_zeros:
            return "sparsity has no meaning while keep-zeros is false"
        if self.sharding == "full" and self.processes == 1:
            return "sharding needs more than one process"
        if self.sharding == "full" and self.precision == "16-mixed":
            return "sharding does not go together with 16-mixed: use bf16-mixed or float32"
        return None

    def why_not(self, layer: Layer) -> str | None:
        return None if layer.weights else "it has no weights"

    def options(self, seed: int = 0, key: str = "") -> TrainOptions:
        """The plain values of these settings that the training loop is told."""
        names = TrainOptions.__dataclass_fields__.keys() & self.values().keys()
        return TrainOptions(**{name: getattr(self, name) for name in names}, seed=seed, key=key)

    def student_of(self, model: Model, context: Context) -> Model:
        """The model whose weights are trained.

        Raises:
            ModelError, RunError: it is another one and cannot be opened, or does not fit.
        """
        return model

    def lesson(self, student: Model, twin: Twin, data: TrainingData, recurrence: Recurrence, context: Context) -> Lesson:
        """What `twin`, the twin of `student`, is to learn from these rows.

        Raises:
            RunError: it cannot be learned from them, or with these settings.
        """
        raise NotImplementedError

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        from studio.train import launch

        with context.job.improves():
            if launch.wanted(self):
                return launch.apply(self, model, layers, context)
            from studio.train.apply import apply

            return apply(self, model, layers, context)
