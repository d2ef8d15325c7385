"""A desktop studio and command line for compressing neural networks."""

import os

# Threads of OpenMP wait for one another by spinning. Where other programs use the processor as well, a training step of torch
# then takes many times as long (measured: 0.08 s became 0.5 to 1 s and more beside two busy processes); after this many turns
# they sleep instead, which costs nothing on a quiet machine. It is read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
