"""Save a compiled Keras model and its arrays, to be measured without any code: python examples/saved_model.py

Then: bench run --workload my_model.keras --arrays my_data.npz
"""

import keras
import numpy as np

digits = np.random.default_rng(0).normal(size=(1200, 20)).astype("float32")
labels = (digits[:, :10].sum(axis=1) > digits[:, 10:].sum(axis=1)).astype("int64")

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(2)])
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.save("my_model.keras")  # with its optimizer, loss and metrics
np.savez("my_data.npz", x=digits[:1000], y=labels[:1000], x_val=digits[1000:], y_val=labels[1000:])
