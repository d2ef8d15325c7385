"""TrainOptions: everything the training loop is told in plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainOptions:
    """How a twin is trained; what is not here is in the objective, the data and the hooks.

    Attributes:
        epochs: passes over the training rows; counts only while `steps` is 0.
        steps: updates of the weights; 0 lets `epochs` decide.
        minutes: bound of the time; 0 for none. The number of steps is chosen before the first, so that schedules fit.
        batch_size: rows per forward pass of one process.
        accumulate: forward passes per update.
        learning_rate: highest of the schedule; 0 has it found by a range test.
        schedule: "constant", "linear", "cosine" or "one-cycle".
        warmup: share of the steps over which the learning rate rises.
        optimizer: "adamw" or "sgd" (with Nesterov momentum 0.9).
        weight_decay: share by which weights shrink per update and learning rate: decoupled with "adamw", part of the gradient,
            and so of the momentum, with "sgd"; vectors such as biases are left out.
        clip: greatest norm of the gradient; 0 for no bound.
        balance: "fixed" or "auto" (see `studio.train.balance`).
        precision: "auto", "float32", "bf16-mixed" or "16-mixed".
        patience: evaluations on held-out rows without a gain before it stops; 0 never stops early.
        evaluate_every: updates between evaluations; 0 for at most twenty.
        batch_norm: "frozen", "train" or "unfold".
        checkpoint_seconds: time between checkpoints; 0 for none but the one on cancel.
        compile: "auto", "no" or "yes".
        processes: how many take part.
        sharding: "none" or "full".
        seed: of everything drawn at random.
        key: digest of all that decides the result; names the checkpoint.
    """

    epochs: int = 30
    steps: int = 0
    minutes: float = 0.0
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.05
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    clip: float = 1.0
    balance: str = "fixed"
    precision: str = "auto"
    patience: int = 10
    evaluate_every: int = 0
    batch_norm: str = "frozen"
    checkpoint_seconds: float = 30.0
    compile: str = "auto"
    processes: int = 1
    sharding: str = "none"
    seed: int = 0
    key: str = ""
