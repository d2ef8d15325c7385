"""The twin: an ONNX graph as one differentiable `torch.nn.Module`, whose trained weights go back into the same graph by name.

Everything in this package may import torch at the top; everything outside of it and of `studio.train` imports this package
inside the function that computes, because importing torch takes seconds.

    from studio.twin.module import Twin
    from studio.twin.back import with_weights

    twin = Twin(model)                       # parameters keyed by the name of the stored tensor
    outputs = twin({"input": x})             # {"output": y}, differentiable
    trained = with_weights(model, twin)      # the same graph with the trained values
"""
