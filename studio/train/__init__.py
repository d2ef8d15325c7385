"""Training a twin: data, losses, schedules, the loop, checkpoints, and several processes.

`training.py` (the settings every training method shares), `spec.py` (parsing of the settings that are text) and `options.py`
import no torch, because forms, recipes and the command line read them; everything else may.

    from studio.train.loop import train

    trained = train(twin, objective, data, options, job)      # the best weights found are in the twin afterwards
"""
