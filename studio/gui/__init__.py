"""The window: the only package that imports Qt. Models are opened, changed and measured in child processes."""
