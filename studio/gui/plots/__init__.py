"""Plots of tensors. The modules here import pyqtgraph, which takes a third of a second: import them when they are needed."""
