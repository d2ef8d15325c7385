"""Parts of the distillation panel: the models, the losses, and both graphs with the pairs between them."""
