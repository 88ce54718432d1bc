"""Teach the text encoder what captions say before the denoiser learns to draw it.

    python -m training.train_text_encoder --minutes 3 --run training/runs/a
    python -m training.train_text_encoder --minutes 3 --run training/runs/b --start MODEL

A linear probe must read materials, colours and modifiers off every position from the end token on. Of a
pipeline's 77 positions some 70 are such padding; if they say nothing at first, cross-attention sees the
few telling words through their average and learns materials very slowly. Writes `text-encoder.pt`.
With `--start` it goes on from a model folder's text encoder, whose vocabulary the run's tokenizer extends, and what
that encoder made of the old words is kept, so that the folder's U-Net still understands them.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from training.clock import Clock
from training.machine import options, parse, precision
from training.networks import TEXT_WIDTH, new_text_encoder
from training.textures.captions import (
    COVERED,
    JOINS,
    WORN_WORDS,
    colour_caption,
    cover_caption,
    decorate,
    phrase,
)
from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS

BATCH, PEAK_RATE = 32, 2e-3
NOUN = len(MATERIAL_NAMES) + len(COLOURS)
#: First material and colour, second material and colour, dark, light, mossy, worn.
LABELS = 2 * NOUN + 4


def labelled_caption(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Return a random caption and what it says, as LABELS numbers that are 0 or 1."""
    roll = rng.random()
    if roll < 0.3:
        return _two_materials(rng, covering=roll > 0.1)
    said = np.zeros(LABELS, np.float32)
    material, colour = MATERIAL_NAMES[int(rng.integers(len(MATERIAL_NAMES)))], COLOURS[int(rng.integers(len(COLOURS)))]
    tone, state = int(rng.integers(6)), int(rng.integers(12))
    tone_word = ("dark", "light")[tone] if tone < 2 else ""
    state_word = {0: "mossy", 1: WORN_WORDS[int(rng.integers(len(WORN_WORDS)))]}.get(state, "")
    colour_named = roll > 0.42
    if colour_named:
        _say(said, 0, None, colour)
        if tone < 2:
            said[2 * NOUN + tone] = 1
    if 0.42 < roll < 0.48:
        return colour_caption(rng, colour, tone_word), said
    _say(said, 0, material, None)
    if state < 2:
        said[2 * NOUN + 2 + state] = 1
    words = phrase(rng, material, colour if colour_named else None, tone_word, state_word)
    return decorate(rng, words), said


def _two_materials(rng: np.random.Generator, covering: bool) -> tuple[str, np.ndarray]:
    """Return a caption of two materials, side by side or one covering the other; the covered one is the first."""
    said, parts = np.zeros(LABELS, np.float32), []
    for place in range(2):
        material = MATERIAL_NAMES[int(rng.integers(len(MATERIAL_NAMES)))]
        colour = COLOURS[int(rng.integers(len(COLOURS)))] if not covering or rng.random() < 0.65 else None
        _say(said, place, material, colour)
        parts.append(phrase(rng, material, colour))
    if covering:
        cover = tuple(COVERED)[int(rng.integers(len(COVERED)))]
        return decorate(rng, cover_caption(rng, cover, above=parts[1], below=parts[0]), article=False), said
    return decorate(rng, JOINS[int(rng.integers(len(JOINS)))].join(parts)), said


def _say(said: np.ndarray, place: int, material: str | None, colour: str | None) -> None:
    if material:
        said[place * NOUN + MATERIAL_NAMES.index(material)] = 1
    if colour:
        said[place * NOUN + len(MATERIAL_NAMES) + COLOURS.index(colour)] = 1


def grown(start: Path, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return the text encoder of a model folder with rows for the new tokens, each the mean of its former pieces."""
    before = CLIPTextModel.from_pretrained(start / "text_encoder", dtype=torch.float32)
    old_tokenizer = CLIPTokenizer.from_pretrained(start / "tokenizer")
    encoder = new_text_encoder(tokenizer)
    state, fresh = before.state_dict(), encoder.state_dict()
    name = next(key for key in state if key.endswith("token_embedding.weight"))
    rows = fresh[name]
    rows[: len(old_tokenizer)] = state[name]
    for index in range(len(old_tokenizer), len(tokenizer)):
        word = tokenizer.convert_ids_to_tokens(index).removesuffix("</w>")
        rows[index] = state[name][old_tokenizer(word).input_ids[1:-1]].mean(0)
    encoder.load_state_dict({**state, name: rows})
    return encoder


class Anchor:
    """Holds an encoder, while it is taught new words, to what it made of captions in the old ones."""

    def __init__(self, encoder: CLIPTextModel, known: int) -> None:
        self.before = copy.deepcopy(encoder).eval().requires_grad_(False)
        self.known = known  # tokens below this id are the old ones

    def loss(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """Return the mean squared change of `hidden` (count, 77, width) where a caption has old words only."""
        old = (tokens < self.known).all(dim=1)
        if not old.any():
            return hidden.new_zeros(())
        return functional.mse_loss(hidden[old], self.before(tokens[old]).last_hidden_state)


def train(run: Path, minutes: float, seed: int, device: torch.device, start: Path | None = None) -> None:
    """Train for `minutes` and write the weights."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tokenizer = CLIPTokenizer.from_pretrained(run / "tokenizer")
    encoder = (grown(start, tokenizer) if start else new_text_encoder(tokenizer)).to(device).train()
    anchor = Anchor(encoder, len(CLIPTokenizer.from_pretrained(start / "tokenizer"))) if start else None
    probe = nn.Linear(TEXT_WIDTH, LABELS).to(device)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *probe.parameters()], PEAK_RATE, weight_decay=1e-3)
    clock, step = Clock(minutes * 60), 0
    while clock.fraction() < 1:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(PEAK_RATE, step, warmup=30)
        tokens, target = _batch(rng, tokenizer, device)
        after = tokens == tokenizer.eos_token_id
        with precision(device):
            hidden = encoder(tokens).last_hidden_state
            guess = probe(hidden)[after].float()
        wanted = target[:, None].expand(-1, tokens.shape[1], -1)[after]
        loss = functional.binary_cross_entropy_with_logits(guess, wanted)
        kept = anchor.loss(tokens, hidden) if anchor else loss.new_zeros(())
        optimiser.zero_grad(set_to_none=True)
        (loss + kept).backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 25 == 0:
            figures = f"loss {loss.item():.4f}  changed {kept.item():.4f}  {share_read(guess, wanted):.3f}"
            print(f"{clock.elapsed():5.0f} s  step {step}  {figures}", flush=True)
    torch.save({name: value.cpu() for name, value in encoder.state_dict().items()}, run / "text-encoder.pt")


def _batch(rng: np.random.Generator, tokenizer: CLIPTokenizer, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return token ids (BATCH, 77) of random captions and what these say (BATCH, LABELS)."""
    captions, said = zip(*(labelled_caption(rng) for _ in range(BATCH)), strict=True)
    rows = tokenizer(list(captions), padding="max_length", max_length=tokenizer.model_max_length)
    return torch.tensor(rows.input_ids, device=device), torch.from_numpy(np.stack(said)).to(device)


def share_read(guess: Tensor, wanted: Tensor) -> float:
    """Return the share of positions at which the probe reads all labels right."""
    return float(((guess > 0) == (wanted > 0.5)).all(dim=1).float().mean())


def main() -> None:
    parser = options(__doc__, minutes=3, seed=3)
    parser.add_argument("--start", type=Path, help="model folder to go on from")
    arguments = parse(parser)
    train(arguments.run, arguments.minutes, arguments.seed, arguments.device, arguments.start)


if __name__ == "__main__":
    main()
