"""What a file of weights is (a checkpoint, a LoRA, an autoencoder…) and for which family, by names and shapes alone.

The names are those of the original trainers' code and of diffusers; both are used in the files that people share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bridge.protocol.weights_header import WeightsHeader

Kind = Literal[
    "checkpoint", "denoiser", "lora", "embedding", "controlnet", "t2i-adapter", "ip-adapter", "vae", "text-encoder",
    "unknown",
]  # fmt: skip

BY_TEXT_WIDTH = {768: "sd1", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"}
"""Families with a U-Net, by the width of the text that its attention reads."""

_LORA_ENDS = (".lora_down.weight", ".lora_A.weight", ".lora.down.weight", "_lora.down.weight")
_LORA_MARKS = (".hada_w1_a", ".lokr_w1", ".oft_blocks", ".lora_up.weight")
_TEXT_INPUTS = ("attn2.to_k", "attn2_to_k", "attn2.processor.to_k")
_U_NET = "model.diffusion_model."
_TRANSFORMERS: tuple[tuple[str, str], ...] = (
    ("single_stream_modulation.lin", "flux2"),
    ("distilled_guidance_layer.", "chroma"),
    ("double_blocks.", "flux"),
    ("double_blocks_", "flux"),
    ("single_transformer_blocks", "flux"),
    ("joint_blocks", "sd3"),
    ("double_layers.", "auraflow"),
    ("txt_norm.weight", "qwen-image"),
    (".img_mlp.", "qwen-image"),
    ("cap_embedder.", "lumina2"),
    ("context_refiner.", "lumina2"),
    ("cross_attn.q_linear", "pixart"),
)
"""Families with a transformer, by a part that only they have; the first that is found decides."""


@dataclass(frozen=True)
class WeightsKind:
    """What a file of weights is.

    Attributes:
        kind: a `checkpoint` has everything, a `denoiser` lacks its text encoders or autoencoder.
        family: name in `bridge.protocol.families`; empty when unknown.
        inpaint: whether the network itself takes a mask.
        parts: which parts a checkpoint has, of "denoiser", "vae" and "text-encoder".
    """

    kind: Kind
    family: str = ""
    inpaint: bool = False
    parts: frozenset[str] = frozenset()


def kind_of_weights(header: WeightsHeader) -> WeightsKind:
    """What the file with this header is."""
    names = header.shapes
    if any(name.endswith(_LORA_ENDS) or any(mark in name for mark in _LORA_MARKS) for name in names):
        return WeightsKind("lora", _lora_family(header))
    if any(name.startswith(("ip_adapter.", "image_proj.")) for name in names):
        return WeightsKind("ip-adapter", _ip_adapter_family(header))
    if any(_is_controlnet(name) for name in names):
        return WeightsKind("controlnet", _network_family(header))
    if any(name.startswith(("adapter.body.", "body.0.resnets", "body.0.block1")) for name in names):
        return WeightsKind("t2i-adapter")
    if (family := _embedding_family(header)) is not None:
        return WeightsKind("embedding", family)
    return _model_kind(header)


def _model_kind(header: WeightsHeader) -> WeightsKind:
    names = header.shapes
    family = _network_family(header)
    vae = any(name.startswith(("first_stage_model.", "vae.")) for name in names)
    text = any(name.startswith(("cond_stage_model.", "conditioner.", "text_encoders.")) for name in names)
    denoiser = bool(family) and any(not _is_other_part(name) for name in names)
    parts = frozenset(part for part, there in (("denoiser", denoiser), ("vae", vae), ("text-encoder", text)) if there)
    if denoiser:
        return WeightsKind("checkpoint" if vae and text else "denoiser", family, _takes_mask(header), parts)
    if any(name.removeprefix("first_stage_model.").startswith(("decoder.", "encoder.conv_in")) for name in names):
        return WeightsKind("vae", parts=frozenset({"vae"}))
    if any("text_model." in name or "shared.weight" in name for name in names):
        return WeightsKind("text-encoder", parts=frozenset({"text-encoder"}))
    return WeightsKind("unknown")


def _is_other_part(name: str) -> bool:
    return name.startswith(("first_stage_model.", "vae.", "cond_stage_model.", "conditioner.", "text_encoders."))


def _is_controlnet(name: str) -> bool:
    return name.startswith(
        ("control_model.", "controlnet_cond_embedding.", "controlnet_blocks.", "controlnet_x_embedder.", "control_add_")
    )


def _network_family(header: WeightsHeader) -> str:
    """The family of a denoiser or a ControlNet."""
    found = _by_text_width(header, (".attn2.to_k.weight",), side=1)
    if found:
        return found
    names = [name for name in header.shapes if not _is_other_part(name)]
    if any("noise_refiner." in name for name in names) and "cap_embedder.1.weight" in _stripped(names):
        # Lumina 2 and Z-Image share their names; the width of the text tells them apart (Gemma 2B and Qwen 3 4B).
        width = _width_of(header, "cap_embedder.1.weight")
        return "z-image" if width == 2560 else "lumina2"
    return _by_mark(names)


def _lora_family(header: WeightsHeader) -> str:
    found = _by_text_width(header, _LORA_ENDS, side=1, needed=_TEXT_INPUTS)
    if found:
        return found
    if any(name.startswith(("lora_te2_", "text_encoder_2.")) for name in header.shapes):
        return "sdxl"
    found = _by_mark(header.shapes)
    if found:
        return found
    said = " ".join(header.metadata.get(key, "") for key in ("modelspec.architecture", "ss_base_model_version")).lower()
    for mark, family in _SAID:
        if mark in said:
            return family
    return ""


_SAID = (
    ("stable-diffusion-xl", "sdxl"), ("sdxl", "sdxl"), ("stable-diffusion-v1", "sd1"), ("sd_v1", "sd1"),
    ("stable-diffusion-v2", "sd2"), ("sd_v2", "sd2"), ("stable-diffusion-3", "sd3"), ("sd3", "sd3"),
    ("flux-2", "flux2"), ("flux2", "flux2"), ("flux", "flux"), ("qwen", "qwen-image"), ("z-image", "z-image"),
    ("zimage", "z-image"),
)  # fmt: skip
"""What trainers write into a LoRA about the model below it."""


def _ip_adapter_family(header: WeightsHeader) -> str:
    widths = [shape[0] for name, shape in header.shapes.items() if name.endswith(("to_k_ip.weight", "to_v_ip.weight"))]
    inner = [shape[1] for name, shape in header.shapes.items() if name.endswith("to_k_ip.weight") and len(shape) == 2]
    if not inner:
        return ""
    # The tokens of the picture are as wide as those of the text.
    return "flux" if widths and set(widths) == {3072} else BY_TEXT_WIDTH.get(inner[0], "")


def _embedding_family(header: WeightsHeader) -> str | None:
    """The family of a textual inversion; None when the file is none."""
    shapes = header.shapes
    # An embedding is named after itself; a dot is the path to a part of a network.
    if not 1 <= len(shapes) <= 3 or any(len(shape) > 2 or "." in name for name, shape in shapes.items()):
        return None
    if "clip_l" in shapes and "clip_g" in shapes:
        return "sdxl"
    if "clip_l" in shapes and "t5xxl" in shapes:
        return "flux"
    if len(shapes) == 1:
        (shape,) = shapes.values()
        if shape and shape[-1] <= 4096:
            return {768: "sd1", 1024: "sd2"}.get(shape[-1], "")
    return "" if "emb_params" in shapes else None


def _by_text_width(
    header: WeightsHeader, ends: tuple[str, ...], side: int, needed: tuple[str, ...] = ("attn2",)
) -> str:
    for name, shape in header.shapes.items():
        if name.endswith(ends) and len(shape) > side and any(mark in name for mark in needed):
            return BY_TEXT_WIDTH.get(shape[side], "")
    return ""


def _by_mark(names: Iterable[str]) -> str:
    listed = list(names)
    for mark, family in _TRANSFORMERS:
        if any(mark in name for name in listed):
            return family
    return ""


def _stripped(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.removeprefix(_U_NET) for name in names)


def _width_of(header: WeightsHeader, name: str) -> int:
    shape = header.shapes.get(name) or header.shapes.get(_U_NET + name) or (0, 0)
    return shape[-1]


def _takes_mask(header: WeightsHeader) -> bool:
    """9 latent channels for 4 (noisy, masked, mask) at the entrance of a U-Net; 384 for 64 in Flux Fill."""
    entrance = header.shapes.get("model.diffusion_model.input_blocks.0.0.weight", ())
    flux = header.shapes.get("img_in.weight") or header.shapes.get("model.diffusion_model.img_in.weight") or ()
    return (len(entrance) == 4 and entrance[1] == 9) or (len(flux) == 2 and flux[1] == 384)
