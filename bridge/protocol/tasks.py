"""What can be asked of the engine: one dataclass a task, with defaults, ranges and units.

A parameter that is None is resolved by the engine from the model's own recommendation; the recipe of the result
holds the resolved value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .errors import BridgeError, ErrorCode
from .fields import spec
from .pixels import Picture, PixelFormat

MAX_SEED = 2**32 - 1

SCHEDULERS: tuple[str, ...] = (
    "euler", "euler_a", "euler_karras", "heun", "dpmpp_2m", "dpmpp_2m_karras", "dpmpp_2m_sde", "dpmpp_2m_sde_karras",
    "dpmpp_2s", "ddim", "ddpm", "deis", "unipc", "pndm", "lcm", "tcd", "flow_euler", "flow_heun",
)  # fmt: skip
"""Friendly names that every engine accepts as `scheduler`, beside the class names of diffusers."""

PREPROCESSORS: tuple[str, ...] = ("canny", "lineart", "softedge", "tile", "blur", "grey", "normal")
"""Names that every engine accepts as `preprocess` of a control."""
ESTIMATED: tuple[str, ...] = ("depth", "pose", "segmentation")
"""Names that are accepted as well where an adapter of that type is there: the first of them makes the picture."""

Seamless = Literal["none", "x", "y", "xy"]
ControlKind = Literal["canny", "lineart", "softedge", "tile", "blur", "grey", "depth", "pose", "segmentation", "normal"]


@dataclass(frozen=True)
class LoraUse:
    """A LoRA and how strongly it acts. `<lora:name:weight>` in the prompt means the same."""

    name: str = spec("Its id from `welcome`.", max_length=512)
    weight: float = spec("1 is as it was trained; negative turns it around.", default=1.0, ge=-4, le=4)


@dataclass(frozen=True, kw_only=True)
class Control:
    """A picture that guides the generation: edges, depth, a pose… (a control), or a look to follow (a reference)."""

    image: Picture = spec("The guiding picture; stretched over the canvas, or looked at as a whole by a reference.")
    adapter: str = spec("Id from `welcome`: a ControlNet, T2I-Adapter or IP-Adapter.", max_length=512)
    preprocess: str = spec(
        "Make the control from an ordinary picture: a name from `preprocessors` of `welcome`, or `depth`, `pose` or "
        "`segmentation` for the first adapter of that type; empty when it is one.",
        default="",
        max_length=64,
    )
    shows: ControlKind | None = spec(
        "What the guiding picture shows, for a union ControlNet that knows several kinds and is given a finished one. "
        "None: what `preprocess` makes.",
        default=None,
    )
    strength: float = spec("How strongly it guides.", default=1.0, ge=0, le=2)
    start: float = spec("Share of the steps after which it begins.", default=0.0, ge=0, le=1)
    end: float = spec("Share of the steps after which it ends.", default=1.0, ge=0, le=1)


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of the canvas with a prompt of its own. The rest, and what a region leaves over, is the task's prompt's.

    Each region costs about as much again as the picture does without, less where it is small and painted in tiles.
    """

    mask: Picture = spec(
        "gray8: 255 is the region, 0 is not, between it shares with the rest. Stretched over the canvas, which for "
        "`outpaint` is the extended one and for `upscale` the picture."
    )
    prompt: str = spec("What this part shall show; instead of the task's prompt, not besides.", max_length=8192)
    negative_prompt: str = spec("What it shall not show; empty for the task's.", default="", max_length=8192)
    strength: float = spec(
        "Its share where its mask is white; the rest is the task's prompt's. Overlapping regions that come to more "
        "than everything share by it.",
        default=1.0,
        ge=0,
        le=1,
    )


@dataclass(frozen=True)
class Generation:
    """Parameters that every task shares for which a model is needed."""

    prompt: str = spec("What the picture shall show.", default="", max_length=8192)
    negative_prompt: str = spec("What it shall not show.", default="", max_length=8192)
    model: str = spec("Model id from `welcome`; empty for the daemon's default.", default="", max_length=512)
    seed: int | None = spec(
        "Seed of the first image; image i uses seed + i. None draws one at random.",
        default=None,
        ge=0,
        le=MAX_SEED,
    )
    steps: int | None = spec("Denoising steps. None: what the model recommends.", default=None, ge=1, le=1000)
    guidance_scale: float | None = spec(
        "Classifier-free guidance; 1 switches it off. None: what the model recommends.",
        default=None,
        ge=0,
        le=50,
    )
    scheduler: str = spec(
        "Scheduler by its diffusers class name or an alias from `welcome`; empty for the model's own.",
        default="",
        max_length=64,
    )
    images: int = spec("How many images to make.", default=1, ge=1, le=64)
    batch_size: int = spec(
        "Images denoised together. 1 gives the same bytes as single jobs; more is faster on a GPU and equal "
        "within 2/255.",
        default=1,
        ge=1,
        le=64,
    )
    result_format: PixelFormat = spec("Pixel format of the result layers; one with alpha.", default=PixelFormat.RGBA8)
    seamless: Seamless = spec("Sides across which the result continues when it is tiled.", default="none")
    loras: tuple[LoraUse, ...] = spec("LoRAs to apply, several at once.", default=(), max_length=16)
    controls: tuple[Control, ...] = spec("Pictures that guide.", default=(), max_length=8)
    regions: tuple[Region, ...] = spec("Parts of the canvas with prompts of their own.", default=(), max_length=16)


@dataclass(frozen=True)
class TextToImage(Generation):
    """Make a picture from a prompt alone."""

    kind: ClassVar[str] = "text-to-image"

    width: int = spec("Any width; the engine computes what suits the model.", default=512, ge=16, le=16384, unit="px")
    height: int = spec("Any height.", default=512, ge=16, le=16384, unit="px")


@dataclass(frozen=True, kw_only=True)
class ImageToImage(Generation):
    """Change a whole picture towards a prompt."""

    kind: ClassVar[str] = "image-to-image"

    image: Picture = spec("The picture to start from; the result has its size.")
    strength: float = spec("How much may change: 0 returns the input exactly, 1 ignores it.", default=0.6, ge=0, le=1)


FillMethod = Literal["blur", "neutral", "noise", "border", "original"]
ResultExtent = Literal["layer", "canvas"]


@dataclass(frozen=True, kw_only=True)
class Inpaint(Generation):
    """Repaint the masked part of a picture. Outside the compositing mask no bit changes."""

    kind: ClassVar[str] = "inpaint"

    image: Picture = spec("The whole canvas, or enough of it around the mask to serve as context.")
    mask: Picture = spec("gray8 of the same size: 255 repaints, 0 keeps, between is a soft selection.")
    strength: float = spec("How much may change inside the mask.", default=1.0, ge=0, le=1)
    fill: FillMethod | None = spec(
        "What the masked part holds before it is encoded: `blur` continues the surroundings smoothly, `border` "
        "stretches the nearest pixels, `neutral` is grey, `noise` adds grain to the surroundings' mean, "
        "`original` keeps what is there. None: `blur` at strength above 0.7, else `original`.",
        default=None,
    )
    grow: int | None = spec(
        "Denoise mask grows by this much beyond the mask. None: 4 plus half the feather.",
        default=None,
        ge=0,
        le=1024,
        unit="px",
    )
    feather: int | None = spec(
        "Width over which the denoise mask fades. None: a tenth of the mask's diagonal, at least 32.",
        default=None,
        ge=0,
        le=1024,
        unit="px",
    )
    blend: int | None = spec(
        "Width over which the result fades into the picture. None: at most 25, less for a narrow feather.",
        default=None,
        ge=0,
        le=1024,
        unit="px",
    )
    context: int | None = spec(
        "Surroundings shown to the model on every side of the mask. None: from the sizes of mask and canvas.",
        default=None,
        ge=0,
        le=8192,
        unit="px",
    )
    colour_match: bool = spec("Match the colours of the result to the picture around the seam.", default=True)
    extent: ResultExtent = spec(
        "`layer`: the changed rectangle with the compositing mask as alpha. `canvas`: the finished picture, in "
        "the input's own format.",
        default="layer",
    )


@dataclass(frozen=True, kw_only=True)
class Outpaint(Generation):
    """Extend a picture beyond its sides. The picture itself keeps every bit outside the seam."""

    kind: ClassVar[str] = "outpaint"

    image: Picture = spec("The picture to extend.")
    left: int = spec("Pixels to add on the left.", default=0, ge=0, le=8192, unit="px")
    top: int = spec("Pixels to add at the top.", default=0, ge=0, le=8192, unit="px")
    right: int = spec("Pixels to add on the right.", default=0, ge=0, le=8192, unit="px")
    bottom: int = spec("Pixels to add at the bottom.", default=0, ge=0, le=8192, unit="px")
    strength: float = spec("How freely the new part is painted.", default=1.0, ge=0, le=1)
    fill: FillMethod | None = spec("See `inpaint`. None: `border`.", default=None)
    blend: int | None = spec("Width of the seam inside the picture. None: 16.", default=None, ge=0, le=1024, unit="px")
    colour_match: bool = spec("Match the colours of the result to the picture around the seam.", default=True)
    extent: ResultExtent = spec(
        "See `inpaint`. A layer's offset is negative on the left and at the top.", default="layer"
    )


@dataclass(frozen=True, kw_only=True)
class Upscale(Generation):
    """Enlarge a picture and paint the detail that it lacks, tile by tile, without seams."""

    kind: ClassVar[str] = "upscale"

    image: Picture = spec("The picture to enlarge.")
    scale: float = spec("Sides of the result over sides of the picture.", default=2.0, ge=1, le=16)
    strength: float = spec(
        "How much the model may change: 0 only resamples, 0.2 to 0.4 adds detail.", default=0.3, ge=0, le=1
    )
    tile: int | None = spec(
        "Side of a tile as the model sees it. None: what the model was trained for.",
        default=None,
        ge=64,
        le=4096,
        unit="px",
    )


SurfaceMap = Literal["normal", "height", "roughness", "occlusion", "metallic"]


@dataclass(frozen=True, kw_only=True)
class SurfaceMaps:
    """Estimate the other maps of a material from its base colour. No model: the same input gives the same bytes.

    One layer a map, in the order asked; `recipe["map"]` says which it is. All are of colour space `data`: their numbers
    are no colours, and nothing may convert them. `normal` is `rgb`, in tangent space and written as colours; the others
    are `gray`. Heights are 0 at the lowest and 1 at the highest point.
    """

    kind: ClassVar[str] = "surface-maps"

    image: Picture = spec("The base colour. Its alpha plays no part: colours count where they are transparent, too.")
    maps: tuple[SurfaceMap, ...] = spec(
        "Which maps to make, each once.", default=("normal", "height", "roughness", "occlusion"), max_length=5
    )
    seamless: Seamless = spec("Sides across which the material continues when it is tiled.", default="none")
    relief: float = spec(
        "From the lowest to the highest point, as a share of the shorter side of the picture. Scales normals and "
        "occlusion; the height map is 0 to 1 whatever it is.",
        default=2.0,
        ge=0,
        le=50,
        unit="%",
    )
    detail: float = spec("How much of the finest forms the relief keeps.", default=0.75, ge=0, le=1)
    light_is_deep: bool = spec(
        "Take light for deep and dark for high, as with pale mortar; otherwise dark is deep.", default=False
    )
    roughness: float = spec("Mean of the roughness map; a picture cannot tell it.", default=0.6, ge=0, le=1)
    normal_convention: Literal["opengl", "directx"] = spec(
        "Green points up (`opengl`: Blender, glTF, Unity) or down (`directx`: Unreal).", default="opengl"
    )
    bits: Literal[8, 16, 32] = spec(
        "Bits per channel of `normal` and `height`; 32 are floats. The other maps have 8.", default=16
    )

    prompt: ClassVar[str] = ""
    """It has none; for whoever lists tasks of all kinds."""

    def __post_init__(self) -> None:
        if not self.maps or len(set(self.maps)) < len(self.maps):
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                "No map is asked for." if not self.maps else "A map is asked for twice.",
                hint="Name each map that is wanted once.",
                field="task.maps",
            )

    @property
    def images(self) -> int:
        """How many results there will be."""
        return len(self.maps)


GenerationTask = TextToImage | ImageToImage | Inpaint | Outpaint | Upscale
Task = GenerationTask | SurfaceMaps
GENERATIONS: tuple[type[Generation], ...] = (TextToImage, ImageToImage, Inpaint, Outpaint, Upscale)
"""Tasks for which a model is needed."""
TASKS: tuple[type[Generation] | type[SurfaceMaps], ...] = (*GENERATIONS, SurfaceMaps)


@dataclass(frozen=True)
class Layer:
    """One result: pixels, where they belong, and the recipe from which they can be made again.

    With alpha as the compositing mask, `canvas * (1 - alpha) + picture * alpha` is the finished picture.
    """

    picture: Picture = spec("Straight alpha; alpha is the compositing mask.")
    x: int = spec("Left edge in the canvas; negative after outpainting.", default=0, unit="px")
    y: int = spec("Top edge in the canvas; negative after outpainting.", default=0, unit="px")
    seed: int = spec("The seed that made it; 0 where none did.", default=0, ge=0, le=MAX_SEED + 64)
    recipe: dict[str, object] = spec(
        "Every resolved parameter, the model with its hash, and the versions involved.", default_factory=dict
    )
