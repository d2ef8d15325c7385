"""Save one small network in every form torch has, with what it says to some inputs: `make_torch_files.py FOLDER`."""

import sys
from pathlib import Path

import numpy as np
import torch


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.linear = torch.nn.Linear(8, 4)
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 3.0, 4.0]))

    def forward(self, image: torch.Tensor, shift: torch.Tensor):
        features = torch.relu(self.conv(image)).mean((2, 3))
        return self.linear(features) * self.scale + shift, features


class Named(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(20, 6)

    def forward(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        rows = self.table(ids)
        return {"rows": rows, "pooled": rows.mean(1)}


def main(folder: Path) -> None:
    torch.manual_seed(0)
    net = Net().eval()
    inputs = torch.randn(2, 3, 16, 16), torch.randn(2, 4)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(net, inputs, dynamic_shapes={"image": {0: batch}, "shift": {0: batch}})
    torch.export.save(program, folder / "net.pt2")
    named = torch.export.export(Named().eval(), (torch.zeros(1, 7, dtype=torch.long),))
    torch.export.save(named, folder / "named.pt2")
    torch.jit.script(net).save(folder / "script.pt")
    torch.jit.trace(net, inputs).save(folder / "trace.pt")
    (folder / "trace.anything").write_bytes((folder / "trace.pt").read_bytes())
    image, shift = torch.randn(5, 3, 16, 16), torch.randn(5, 4)
    with torch.no_grad():
        first, second = net(image, shift)
    np.savez(folder / "expected.npz", image=image, shift=shift, out0=first, out1=second)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
