"""Writes pytorch.safetensors, as PyTorch users write them. Run: python make_fixture.py (needs torch and safetensors)."""

import pathlib

import torch
from safetensors.torch import save_file

ramp = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4)
tensors = {
    "conv1.weight": (ramp / 7 - 1).float(),
    "double": ramp / 3,
    "half": (ramp / 8 - 1).half(),
    "brain": (ramp * 1000).bfloat16(),
    "extremes.f16": torch.tensor([6e-8, -65504.0, float("inf"), 0.0]).half(),
    "bn1.num_batches_tracked": torch.tensor(123456789012345),
    "empty": torch.zeros(0, 5),
}
save_file(tensors, pathlib.Path(__file__).with_name("pytorch.safetensors"), metadata={"format": "pt", "note": "ε = 8/255"})
