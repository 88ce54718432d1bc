"""The captions: a small grammar of ordinary English around a material and a colour.

Word lists are data, the grammar is `describe`. Captions are lower case, as CLIP tokenizers fold case.
"""

from types import MappingProxyType

import numpy as np

from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS

#: What each material is called. The first word of each row is its plainest name.
MATERIAL_WORDS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "brick wall": ("brick wall", "brick wall", "bricks", "brick", "brickwork", "brick masonry"),
        "wood planks": ("wood planks", "wooden planks", "wood", "wooden boards", "wood floor", "timber", "planks"),
        "marble": ("marble", "marble", "polished marble", "marble slab", "veined marble"),
        "cobblestone": ("cobblestone", "cobblestones", "cobblestone street", "cobbles", "paving stones"),
        "grass": ("grass", "grass", "grassy ground", "lawn", "meadow", "blades of grass"),
        "clouds": ("clouds", "clouds", "cloudy sky", "sky", "sky with clouds"),
        "fabric": ("fabric", "woven fabric", "cloth", "textile", "canvas cloth", "linen"),
        "stone": ("stone", "rock", "stone wall", "rough stone", "cracked stone", "rock face"),
        "water waves": ("water waves", "water", "waves", "sea", "ocean waves", "rippling water"),
        "stripes": ("stripes", "stripes", "striped pattern", "striped wallpaper", "bands"),
        "checkerboard": ("checkerboard", "checkerboard pattern", "chessboard", "checkered pattern", "checkers"),
        "dots": ("dots", "polka dots", "dotted pattern", "spots", "polka dot pattern"),
        "moss": ("moss", "moss", "mossy ground", "soft moss"),
        "sand": ("sand", "sand", "sand dunes", "sandy beach", "rippled sand", "desert sand"),
        "leather": ("leather", "leather", "leather hide", "pebbled leather"),
        "tiles": ("tiles", "tiles", "tiled wall", "ceramic tiles", "bathroom tiles", "tiled floor"),
        "gravel": ("gravel", "gravel", "pebbles", "gravel path", "loose gravel", "shingle beach"),
        "brushed metal": ("brushed metal", "metal", "metal", "steel", "brushed steel", "metal plate", "aluminium"),
        "tree bark": ("tree bark", "bark", "bark", "tree trunk", "oak bark"),
        "scales": ("scales", "scales", "fish scales", "dragon scales", "snake skin", "reptile skin"),
        "knitted wool": ("knitted wool", "knit", "knitwear", "wool", "knitted sweater", "wool sweater"),
        "honeycomb": ("honeycomb", "honeycomb", "hexagons", "hexagon pattern", "hexagonal cells"),
        "fur": ("fur", "fur", "animal fur", "soft fur", "hair", "fluffy fur"),
        "leaves": ("leaves", "leaves", "foliage", "leafy hedge", "ivy leaves", "hedge"),
    }
)

#: What each colour is called besides its own name.
COLOUR_WORDS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "red": ("red", "red", "red", "crimson", "scarlet"),
        "orange": ("orange",),
        "yellow": ("yellow", "yellow", "yellow", "golden"),
        "green": ("green", "green", "green", "emerald"),
        "blue": ("blue", "blue", "blue", "azure"),
        "purple": ("purple", "purple", "purple", "violet"),
        "pink": ("pink", "pink", "rose"),
        "brown": ("brown", "brown", "chestnut"),
        "black": ("black", "black", "jet black"),
        "white": ("white", "white", "ivory"),
        "grey": ("grey", "gray"),
        "teal": ("teal", "teal", "turquoise", "cyan"),
    }
)

#: The colours a material has when the caption names none.
NATURAL_COLOURS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "brick wall": ("red", "red", "brown", "orange"),
        "wood planks": ("brown", "brown", "orange"),
        "marble": ("white", "white", "grey", "black"),
        "cobblestone": ("grey", "grey", "brown"),
        "grass": ("green",),
        "clouds": ("blue", "blue", "grey"),
        "fabric": COLOURS,
        "stone": ("grey", "grey", "brown"),
        "water waves": ("blue", "blue", "teal"),
        "stripes": COLOURS,
        "checkerboard": ("black", "white", "grey"),
        "dots": COLOURS,
        "moss": ("green",),
        "sand": ("yellow", "yellow", "orange", "brown"),
        "leather": ("brown", "brown", "black"),
        "tiles": ("white", "blue", "teal", "grey"),
        "gravel": ("grey", "grey", "brown"),
        "brushed metal": ("grey", "grey", "white"),
        "tree bark": ("brown", "brown", "grey"),
        "scales": ("green", "teal", "grey"),
        "knitted wool": COLOURS,
        "honeycomb": ("yellow", "orange"),
        "fur": ("brown", "brown", "grey", "white", "black"),
        "leaves": ("green",),
    }
)

#: Materials that moss can grow on, and the word put before them then.
MOSSY = frozenset({"brick wall", "cobblestone", "stone", "wood planks", "tiles", "tree bark"})
WORN_WORDS = ("weathered", "old", "worn", "dirty")

OPENINGS = (
    "a photo of ",
    "a picture of ",
    "a texture of ",
    "texture of ",
    "a photograph of ",
    "a close-up of ",
    "an image of ",
    "a seamless texture of ",
)
ENDINGS = (
    " texture",
    ", texture",
    ", seamless",
    " pattern",
    " background",
    ", detailed",
    ", high quality",
    ", seamless texture",
    " surface",
    ", sharp focus",
    ", natural light",
)
COLOUR_ONLY = ("{}", "a {} surface", "{} texture", "something {}", "a {} background", "the colour {}", "{} colour")
JOINS = (" and ", " next to ", " beside ", " with ")

#: How a caption says that one material covers another, by where it lies (see `overlays`).
COVERED: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "patches": (
            "{above} on {below}",
            "{above} on {below}",
            "patches of {above} on {below}",
            "{below} covered in {above}",
            "{below} with {above} on it",
            "{below} with patches of {above}",
        ),
        "joints": (
            "{above} on {below}",
            "{above} in the joints of {below}",
            "{above} in the gaps of {below}",
            "{below} with {above} in the joints",
        ),
        "cracks": (
            "{above} on {below}",
            "{above} in the cracks of {below}",
            "cracked {below} with {above}",
            "{below} with {above} in the cracks",
        ),
        "edge": ("{above} on {below}", "{above} over {below}", "{below} half covered in {above}"),
    }
)


def _article(phrase: str) -> str:
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]


def phrase(rng: np.random.Generator, material: str, colour: str | None, tone: str = "", state: str = "") -> str:
    """Return a noun phrase such as "dark blue weathered marble"; `colour` None leaves colour and tone out."""
    words = [state, tone, _pick(rng, COLOUR_WORDS[colour])] if colour else [state]
    if colour and rng.random() < 0.3:
        words = [tone, words[2], state]
    return " ".join(word for word in [*words, _pick(rng, MATERIAL_WORDS[material])] if word)


def decorate(rng: np.random.Generator, text: str, article: bool = True) -> str:
    """Put an article (if it may have one), an opening or an ending around a noun phrase, each some of the time."""
    roll = rng.random()
    plural = not article or (text.endswith("s") and not text.endswith(("moss", "grass")))
    if roll < 0.3:
        text = _pick(rng, OPENINGS) + (_article(text) if not plural and rng.random() < 0.5 else text)
    elif roll < 0.6 and not plural:
        text = _article(text)
    if rng.random() < 0.25:
        text += _pick(rng, ENDINGS)
    return text


def colour_caption(rng: np.random.Generator, colour: str, tone: str = "") -> str:
    """Return a caption that names the colour and no material."""
    words = f"{tone} {_pick(rng, COLOUR_WORDS[colour])}".strip()
    return _pick(rng, COLOUR_ONLY).format(words)


def plain_caption(material: str, colour: str) -> str:
    """Return the plainest caption, the one the evaluation asks for, such as "a red brick wall"."""
    words = f"{colour} {MATERIAL_WORDS[material][0]}"
    singular = material in {"brick wall", "checkerboard"}
    return _article(words) if singular else words


def cover_caption(rng: np.random.Generator, cover: str, above: str, below: str) -> str:
    """Return a caption that lays the noun phrase `above` over the noun phrase `below`."""
    return _pick(rng, COVERED[cover]).format(above=above, below=below)


def plain_cover_caption(above: str, colour_above: str, below: str, colour_below: str) -> str:
    """Return the plainest caption of two materials, such as "green moss on grey stone"."""
    return f"{plain_caption(above, colour_above)} on {plain_caption(below, colour_below)}"


def vocabulary_text(count: int = 20_000, seed: int = 7) -> list[str]:
    """Return captions that cover every word of the grammar, to train the tokenizer on."""
    rng = np.random.default_rng(seed)
    lines = [plain_caption(material, colour) for material in MATERIAL_NAMES for colour in COLOURS]
    for rows in (MATERIAL_WORDS.values(), COLOUR_WORDS.values()):
        lines += [word for words in rows for word in words]
    tones, states = ("", "dark", "light"), ("", "mossy", *WORN_WORDS)
    for _ in range(count):
        material, colour = _pick(rng, MATERIAL_NAMES), _pick(rng, COLOURS)
        tone, state = _pick(rng, tones), _pick(rng, states)
        lines.append(decorate(rng, phrase(rng, material, colour, tone, state)))
        lines.append(colour_caption(rng, colour, tone))
        one, other = phrase(rng, material, None), phrase(rng, material, colour)
        lines.append(one + _pick(rng, JOINS) + other)
        lines.append(cover_caption(rng, _pick(rng, tuple(COVERED)), one, other))
    return lines
