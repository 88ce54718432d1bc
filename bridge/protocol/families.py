"""Families of models, one description each: what they are called, what sizes and settings suit them, what they can do.

Figures are those of the models' own cards. The catalogue tells clients from this table; the engine picks pipelines by
it. A model's own configuration comes before the table where it says more, and its `bridge.json` before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from .tasks import SCHEDULERS

Guidance = Literal["cfg", "true-cfg", "distilled", "none"]
"""`cfg`: computed twice a step, with and without the prompt. `true-cfg`: the same under the argument
`true_cfg_scale`. `distilled`: the network takes the scale as an input. `none`: trained to do without."""
Noise = Literal["diffusion", "flow"]
Start = Literal["native", "emulated", "none"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """What the models of a family have in common.

    Attributes:
        name: stable name, for programs.
        title: name for people.
        text_to_image: diffusers class that paints from a prompt; empty when there is none.
        image_to_image: class that starts from a picture with a strength; empty when there is none.
        inpaint: class that takes a mask; empty when there is none.
        others: further classes whose folders belong here.
        start: how a model starts from a picture: by a class of its own, emulated (the picture is encoded and mixed
            with noise, and the text-to-image class does the rest of the steps), or not at all.
        reference: whether `image_to_image`, or else `text_to_image`, looks at the picture as a whole while painting.
        mask_model: whether the network itself needs a mask, so that it can only inpaint.
        native_size: side that it was trained for, in px.
        size_multiple: sides are computed in multiples of this, in px.
        latent_channels: channels of the autoencoder's latents.
        steps: recommended denoising steps.
        guidance_scale: recommended guidance.
        guidance: how guidance is done.
        noise: how it was trained, which decides on the schedulers that fit.
        only_schedulers: aliases of the ones that its pipelines work with, where these are fewer than fit by `noise`.
        text_width: width of the text that a U-Net's attention reads, where a class serves several families; else 0.
        settings_from: hub id of a model whose configuration and tokenizer fit its checkpoints in single files, which
            diffusers would take them from as well; empty when such files lack more.
    """

    name: str
    title: str
    text_to_image: str = ""
    image_to_image: str = ""
    inpaint: str = ""
    others: tuple[str, ...] = ()
    start: Start = "native"
    reference: bool = False
    mask_model: bool = False
    native_size: int = 1024
    size_multiple: int = 16
    latent_channels: int = 4
    steps: int = 28
    guidance_scale: float = 4.5
    guidance: Guidance = "cfg"
    noise: Noise = "flow"
    only_schedulers: tuple[str, ...] = ()
    text_width: int = 0
    settings_from: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """Every diffusers class whose folders belong here."""
        return tuple(name for name in (self.text_to_image, self.image_to_image, self.inpaint, *self.others) if name)

    @property
    def base(self) -> str:
        """The class that a model of this family is loaded as."""
        return self.inpaint if self.mask_model else (self.text_to_image or self.image_to_image)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Kinds of tasks that its models can do, natively or emulated."""
        if self.mask_model:
            return ("inpaint", "outpaint")
        from_prompt = ("text-to-image",) if self.text_to_image else ()
        # Inpainting is image-to-image whose pixels are released one after the other, so it needs no class of its own.
        from_picture = () if self.start == "none" else ("image-to-image", "inpaint", "outpaint", "upscale")
        return (*from_prompt, *from_picture)

    @property
    def emulated_tasks(self) -> tuple[str, ...]:
        """Those of them for which diffusers has no class."""
        if self.mask_model:
            return ()
        lacking = self.start == "emulated"
        return tuple(
            task
            for task in self.tasks
            if (task in ("image-to-image", "upscale") and lacking)
            or (task in ("inpaint", "outpaint") and not self.inpaint)
        )

    @property
    def schedulers(self) -> tuple[str, ...]:
        """Aliases of the schedulers that fit."""
        if self.only_schedulers:
            return self.only_schedulers
        return tuple(name for name in SCHEDULERS if name.startswith("flow_") == (self.noise == "flow"))


def _unet(name: str, title: str, prefix: str, **more: Any) -> Family:
    classes = {"text_to_image": f"{prefix}Pipeline", "image_to_image": f"{prefix}Img2ImgPipeline"}
    settings = {"size_multiple": 8, "steps": 25, "guidance_scale": 7.5, "noise": "diffusion"}
    return Family(name=name, title=title, **{**classes, "inpaint": f"{prefix}InpaintPipeline", **settings, **more})


def _emulated(name: str, title: str, prefix: str, **more: Any) -> Family:
    return Family(name=name, title=title, text_to_image=f"{prefix}Pipeline", start="emulated", **more)


_SD = "StableDiffusion"
_SDXL = "StableDiffusionXL"
_FAMILIES: tuple[Family, ...] = (
    _unet("sd1", "Stable Diffusion 1", _SD, native_size=512, text_width=768, others=(f"{_SD}PAGPipeline",),
          settings_from="stable-diffusion-v1-5/stable-diffusion-v1-5"),
    _unet("sd2", "Stable Diffusion 2", _SD, native_size=768, text_width=1024),
    Family(
        name="sd2-depth", title="Stable Diffusion 2 Depth", image_to_image=f"{_SD}Depth2ImgPipeline",
        native_size=512, size_multiple=64, steps=25, guidance_scale=7.5, noise="diffusion",
    ),
    _unet("sdxl", "Stable Diffusion XL", _SDXL, steps=30, guidance_scale=6.0, text_width=2048,
          settings_from="stabilityai/stable-diffusion-xl-base-1.0"),
    Family(
        name="sdxl-refiner", title="Stable Diffusion XL Refiner", image_to_image=f"{_SDXL}Img2ImgPipeline",
        size_multiple=8, steps=30, guidance_scale=6.0, noise="diffusion", text_width=1280,
        settings_from="stabilityai/stable-diffusion-xl-refiner-1.0",
    ),
    _unet(
        "lcm", "Latent Consistency Model", "LatentConsistencyModel", inpaint="", native_size=768, steps=4,
        guidance_scale=8.5, guidance="distilled", only_schedulers=("lcm",),
    ),
    _unet("kolors", "Kolors", "Kolors", inpaint="", guidance_scale=5.0),
    _unet("sd3", "Stable Diffusion 3", f"{_SD}3", size_multiple=16, latent_channels=16, steps=28, guidance_scale=4.5,
          noise="flow"),
    Family(
        name="flux", title="Flux.1", text_to_image="FluxPipeline", image_to_image="FluxImg2ImgPipeline",
        inpaint="FluxInpaintPipeline", latent_channels=16, guidance_scale=3.5, guidance="distilled",
    ),
    Family(
        name="flux-fill", title="Flux.1 Fill", inpaint="FluxFillPipeline", mask_model=True, latent_channels=16,
        steps=50, guidance_scale=30.0, guidance="distilled",
    ),
    Family(
        name="flux-kontext", title="Flux.1 Kontext", text_to_image="FluxKontextPipeline", start="emulated",
        others=("FluxKontextInpaintPipeline",), reference=True, latent_channels=16, guidance_scale=2.5,
        guidance="distilled",
    ),
    Family(
        name="flux2", title="Flux.2", text_to_image="Flux2Pipeline", start="emulated", reference=True,
        latent_channels=32, guidance_scale=4.0, guidance="distilled",
    ),
    Family(
        name="flux2-klein", title="Flux.2 Klein", text_to_image="Flux2KleinPipeline", start="emulated", reference=True,
        others=("Flux2KleinInpaintPipeline",), latent_channels=32, guidance_scale=4.0,
    ),
    Family(
        name="qwen-image", title="Qwen-Image", text_to_image="QwenImagePipeline",
        image_to_image="QwenImageImg2ImgPipeline", inpaint="QwenImageInpaintPipeline", native_size=1328,
        latent_channels=16, steps=50, guidance_scale=4.0, guidance="true-cfg",
    ),
    Family(
        name="qwen-image-edit", title="Qwen-Image-Edit", image_to_image="QwenImageEditPipeline", start="emulated",
        others=("QwenImageEditInpaintPipeline", "QwenImageEditPlusPipeline"), reference=True, latent_channels=16,
        steps=50, guidance_scale=4.0, guidance="true-cfg",
    ),
    Family(
        name="z-image", title="Z-Image", text_to_image="ZImagePipeline", image_to_image="ZImageImg2ImgPipeline",
        inpaint="ZImageInpaintPipeline", latent_channels=16, steps=50, guidance_scale=4.0,
    ),
    Family(
        name="chroma", title="Chroma", text_to_image="ChromaPipeline", image_to_image="ChromaImg2ImgPipeline",
        inpaint="ChromaInpaintPipeline", latent_channels=16, steps=35, guidance_scale=5.0,
    ),
    _emulated("sana", "Sana", "Sana", size_multiple=32, latent_channels=32, steps=20, others=("SanaPAGPipeline",)),
    _emulated("pixart", "PixArt", "PixArtSigma", steps=20, noise="diffusion", others=("PixArtAlphaPipeline",)),
    _emulated("lumina", "Lumina-Next", "Lumina", steps=30, guidance_scale=4.0, others=("LuminaText2ImgPipeline",)),
    _emulated("lumina2", "Lumina 2", "Lumina2", latent_channels=16, steps=30, guidance_scale=4.0,
              others=("Lumina2Text2ImgPipeline",)),
    _emulated("hunyuan-dit", "HunyuanDiT", "HunyuanDiT", steps=30, guidance_scale=5.0, noise="diffusion"),
    _emulated("auraflow", "AuraFlow", "AuraFlow", steps=30, guidance_scale=3.5),
    _emulated("cogview3", "CogView 3 Plus", "CogView3Plus", size_multiple=32, latent_channels=16, steps=50,
              guidance_scale=5.0, noise="diffusion"),
    _emulated("cogview4", "CogView 4", "CogView4", size_multiple=32, latent_channels=16, steps=50, guidance_scale=5.0),
    _emulated("ovis", "Ovis-Image", "OvisImage", latent_channels=16, steps=50, guidance_scale=5.0),
    Family(
        name="kandinsky3", title="Kandinsky 3", text_to_image="Kandinsky3Pipeline",
        image_to_image="Kandinsky3Img2ImgPipeline", size_multiple=64, steps=25, guidance_scale=3.0, noise="diffusion",
    ),
)  # fmt: skip
FAMILIES: Mapping[str, Family] = {family.name: family for family in _FAMILIES}


@dataclass(frozen=True)
class FewStep:
    """A way of training a model down to a few steps, and what then suits it.

    Attributes:
        words: parts of a model's name that tell.
        steps: recommended denoising steps.
        guidance_scale: recommended guidance; 0 or 1 for none.
        native_size: by family, where it differs from the family's own.
    """

    words: tuple[str, ...]
    steps: int
    guidance_scale: float
    native_size: Mapping[str, int]


FEW_STEP: tuple[FewStep, ...] = (
    FewStep(("schnell",), 4, 0.0, {}),
    FewStep(("z-image-turbo", "z_image_turbo"), 9, 0.0, {}),
    FewStep(("lightning",), 4, 1.0, {}),
    FewStep(("hyper-sd", "hyper_sd", "hypersd", "hyper"), 8, 1.0, {}),
    FewStep(("lcm",), 6, 1.5, {}),
    FewStep(("turbo",), 4, 1.0, {"sd1": 512, "sd2": 512, "sdxl": 512}),
)
LCM_SCHEDULERS = frozenset({"LCMScheduler", "TCDScheduler"})
_TRAILING = frozenset({"EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler"})


def family_of_class(class_name: str, denoiser: Mapping[str, Any]) -> Family | None:
    """The family of a diffusers folder, by the class in its index and its denoiser's configuration; None when unknown.

    An inpainting checkpoint (whose network takes a mask) comes as its family with `mask_model` set.
    """
    fitting = [family for family in _FAMILIES if class_name in family.classes]
    if not fitting:
        return None
    width = denoiser.get("cross_attention_dim")
    family = next((each for each in fitting if each.text_width and each.text_width == width), fitting[0])
    return as_mask_model(family) if _network_takes_mask(denoiser) else family


def as_mask_model(family: Family) -> Family:
    """The family's inpainting edition, whose network needs a mask."""
    return replace(family, mask_model=True) if family.inpaint else family


def few_step_of(name: str, family: Family, scheduler: Mapping[str, Any]) -> FewStep | None:
    """How a model was trained down to a few steps, from its name and its scheduler's configuration; None if not."""
    if family.steps <= 8:
        return None
    lowered = name.lower()
    for each in FEW_STEP:
        if any(word in lowered for word in each.words):
            return each
    class_name = str(scheduler.get("_class_name", ""))
    if class_name in LCM_SCHEDULERS:
        return FEW_STEP[4]
    if family.text_width and class_name in _TRAILING and scheduler.get("timestep_spacing") == "trailing":
        return FEW_STEP[5]
    return None


def _network_takes_mask(denoiser: Mapping[str, Any]) -> bool:
    """9 channels in for 4 out: noisy latents, masked latents, mask."""
    inside, outside = denoiser.get("in_channels"), denoiser.get("out_channels")
    return isinstance(inside, int) and isinstance(outside, int) and inside == 2 * outside + 1
