"""Save small Keras models in every form Keras has, with what they say to some inputs: `make_keras_files.py FOLDER`."""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers


def main(folder: Path) -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 1), name="image")
    features = layers.Flatten()(layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu", name="conv")(image)))
    classify = keras.Model(image, layers.Dense(10, activation="softmax", name="classes")(features))
    for name in ("image.keras", "image.h5"):
        classify.save(folder / name)
    classify.save_weights(folder / "only.weights.h5")
    forecast = keras.Sequential([keras.Input((None, 8)), layers.LSTM(5), layers.Dense(2)])
    forecast.save(folder / "series.keras")
    double = keras.Sequential([keras.Input((8,)), layers.Lambda(lambda x: x * 2, name="double"), layers.Dense(2)])
    for name in ("lambda.keras", "lambda.h5"):
        double.save(folder / name)
    rng = np.random.default_rng(0)
    pixels, series = rng.random((5, 12, 12, 1), np.float32), rng.random((5, 32, 8), np.float32)
    said = [np.asarray(model(x, training=False).detach()) for model, x in ((classify, pixels), (forecast, series))]
    np.savez(folder / "expected.npz", image=pixels, series=series, classes=said[0], value=said[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
