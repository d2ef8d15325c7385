"""A desktop studio and command line for compressing neural networks."""
