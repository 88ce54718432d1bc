"""Tiny networks with random weights that make guiding pictures, made on the spot: of transformers' own classes."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import (
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrResNetConfig,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
)

ADE = 150


def build_vitpose(folder: Path, *, seed: int = 0, joints: int = 17, experts: int = 1) -> Path:
    """A VitPose that is sure of every joint, wherever its random weights put it."""
    torch.manual_seed(seed)
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        mlp_ratio=1, num_experts=experts, part_features=4, out_indices=[1],
    )  # fmt: skip
    net = VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=joints))
    with torch.no_grad():
        net.head.conv.bias.fill_(1.0)
    return _saved(net, folder, {"image_mean": [0.5] * 3, "image_std": [0.5] * 3})


def build_rtdetr(folder: Path, *, seed: int = 0, names: tuple[str, ...] = ("cup", "person"), sure: float = 3) -> Path:
    """An RT-DETR that takes everything for what `names` ends with, as surely as the logit `sure` says."""
    torch.manual_seed(seed)
    backbone = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic", out_indices=[2, 3, 4]
    )
    net = RTDetrForObjectDetection(
        RTDetrConfig(
            backbone_config=backbone, d_model=16, encoder_hidden_dim=16, encoder_in_channels=[8, 8, 8],
            encoder_ffn_dim=16, encoder_attention_heads=2, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16,
            decoder_layers=1, decoder_attention_heads=2, decoder_n_points=1, num_queries=3, num_denoising=0,
            id2label=dict(enumerate(names)), label2id={name: n for n, name in enumerate(names)},
        )
    )  # fmt: skip
    with torch.no_grad():
        for head in net.model.decoder.class_embed:
            head.bias.copy_(torch.tensor([-5.0] * (len(names) - 1) + [sure]))
    return _saved(net, folder, {"size": {"height": 64, "width": 64}, "do_normalize": False})


def build_segformer(folder: Path, *, seed: int = 0, kinds: int = ADE) -> Path:
    """A SegFormer."""
    torch.manual_seed(seed)
    config = SegformerConfig(
        num_encoder_blocks=4, depths=[1] * 4, hidden_sizes=[8] * 4, num_attention_heads=[1] * 4, mlp_ratios=[1] * 4,
        sr_ratios=[1] * 4, decoder_hidden_size=8, num_labels=kinds, initializer_range=0.5,
    )  # fmt: skip
    about = {"size": {"height": 64, "width": 64}}
    return _saved(SegformerForSemanticSegmentation(config), folder, about)


def _saved(net: torch.nn.Module, folder: Path, about: dict[str, object]) -> Path:
    net.save_pretrained(folder)  # type: ignore[operator]  # every network of transformers has it
    (folder / "preprocessor_config.json").write_text(json.dumps(about))
    return folder
