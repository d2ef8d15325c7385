"""Training a twin: data, losses, schedules, the loop, checkpoints, and several processes.

`training.py` (the settings every training method shares) and `spec.py` (parsing of the settings that are text) import no
torch, because forms, recipes and the command line read them; everything else may.
"""
