"""A tiny Depth Anything with random weights, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config


def build_depth_anything(folder: Path, *, seed: int = 0, **more: object) -> Path:
    """Its folder as a hub would give it; pictures are shown at 56 px."""
    torch.manual_seed(seed)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=1, image_size=28, patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=16, neck_hidden_sizes=[8] * 4,
        fusion_hidden_size=8, head_hidden_size=4, **more,
    )  # fmt: skip
    net = DepthAnythingForDepthEstimation(config)
    with torch.no_grad():
        net.head.conv3.bias.fill_(1.0)  # Else the last rectifier shows nothing of most random weights.
    net.save_pretrained(folder)
    about = {"size": {"height": 56, "width": 56}, "ensure_multiple_of": 14, "image_mean": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(about))
    return folder
