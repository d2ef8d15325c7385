"""How a stored tensor and its trainable values become one another.

A twin trains *latent* values: real numbers in float32 (float64 stays float64). What the graph reads is made from them in every
forward pass, and what goes back into the file is made the same way, so that training sees exactly what will be stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
import torch

from studio.twin.types import Types


@dataclass
class Stored:
    """A float tensor as it is: latent values are its own, widened to float32 where it is narrower.

    Attributes:
        name: of the stored tensor, unique in the twin.
        tensor: what is in the file.
    """

    name: str
    tensor: ir.TensorProtocol

    def latent(self) -> torch.Tensor:
        """The real values of the stored tensor, in its shape; a copy."""
        array = self.tensor.numpy()
        return torch.from_numpy(np.array(array, np.float64 if array.dtype == np.float64 else np.float32))

    def read(self, latent: torch.Tensor, types: Types) -> torch.Tensor:
        """What the graph reads: differentiable in `latent`."""
        wanted = types.torch(self.tensor.dtype)
        if self.tensor.dtype in (ir.DataType.FLOAT16, ir.DataType.BFLOAT16) and not types.exact:
            narrow = torch.float16 if self.tensor.dtype == ir.DataType.FLOAT16 else torch.bfloat16
            return latent + (latent.to(narrow).to(latent.dtype) - latent).detach()
        return latent.to(wanted)

    def write(self, latent: torch.Tensor) -> ir.TensorProtocol:
        """What goes into the file. The same bytes as before if `latent` was not changed."""
        values = latent.detach().cpu().numpy()
        array = values.astype(self.tensor.dtype.numpy())
        return ir.Tensor(array, self.tensor.dtype, shape=ir.Shape(self.tensor.shape.numpy()), name=self.tensor.name)
