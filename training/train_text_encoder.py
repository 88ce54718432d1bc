"""Teach the text encoder what captions say before the denoiser learns to draw it.

    python -m training.train_text_encoder --minutes 3 --run training/runs/a

A linear probe must read materials, colours and modifiers off every position from the end token on. Of a
pipeline's 77 positions some 70 are such padding; if they say nothing at first, cross-attention sees the
few telling words through their average and learns materials very slowly. Writes `text-encoder.pt`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from training.clock import Clock
from training.networks import TEXT_WIDTH, new_text_encoder
from training.textures.captions import JOINS, WORN_WORDS, colour_caption, decorate, phrase
from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS

BATCH, PEAK_RATE = 32, 2e-3
NOUN = len(MATERIAL_NAMES) + len(COLOURS)
#: First material and colour, second material and colour, dark, light, mossy, worn.
LABELS = 2 * NOUN + 4


def labelled_caption(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Return a random caption and what it says, as LABELS numbers that are 0 or 1."""
    said = np.zeros(LABELS, np.float32)
    materials, colours = rng.integers(len(MATERIAL_NAMES), size=2), rng.integers(len(COLOURS), size=2)
    roll = rng.random()
    if roll < 0.2:
        parts = []
        for place, (material, colour) in enumerate(zip(materials, colours, strict=True)):
            said[[place * NOUN + material, place * NOUN + len(MATERIAL_NAMES) + colour]] = 1
            parts.append(phrase(rng, MATERIAL_NAMES[material], COLOURS[colour]))
        return decorate(rng, JOINS[int(rng.integers(len(JOINS)))].join(parts)), said
    tone, state = int(rng.integers(6)), int(rng.integers(12))
    tone_word = ("dark", "light")[tone] if tone < 2 else ""
    state_word = {0: "mossy", 1: WORN_WORDS[int(rng.integers(len(WORN_WORDS)))]}.get(state, "")
    colour_named = roll > 0.35
    if colour_named:
        said[len(MATERIAL_NAMES) + colours[0]] = 1
        if tone < 2:
            said[2 * NOUN + tone] = 1
    if 0.35 < roll < 0.42:
        return colour_caption(rng, COLOURS[colours[0]], tone_word), said
    said[materials[0]] = 1
    if state < 2:
        said[2 * NOUN + 2 + state] = 1
    colour = COLOURS[colours[0]] if colour_named else None
    return decorate(rng, phrase(rng, MATERIAL_NAMES[materials[0]], colour, tone_word, state_word)), said


def train(run: Path, minutes: float, seed: int) -> None:
    """Train for `minutes` and write the weights."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tokenizer = CLIPTokenizer.from_pretrained(run / "tokenizer")
    encoder, probe = new_text_encoder(tokenizer).train(), nn.Linear(TEXT_WIDTH, LABELS)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *probe.parameters()], PEAK_RATE, weight_decay=1e-3)
    clock, step = Clock(minutes * 60), 0
    while clock.fraction() < 1:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(PEAK_RATE, step, warmup=30)
        captions, said = zip(*(labelled_caption(rng) for _ in range(BATCH)), strict=True)
        rows = tokenizer(list(captions), padding="max_length", max_length=tokenizer.model_max_length)
        tokens, target = torch.tensor(rows.input_ids), torch.from_numpy(np.stack(said))
        after = tokens == tokenizer.eos_token_id
        guess = probe(encoder(tokens).last_hidden_state)[after]
        wanted = target[:, None].expand(-1, tokens.shape[1], -1)[after]
        loss = functional.binary_cross_entropy_with_logits(guess, wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 25 == 0:
            print(
                f"{clock.elapsed():5.0f} s  step {step}  loss {loss.item():.4f}  {share_read(guess, wanted):.3f}",
                flush=True,
            )
    torch.save(encoder.state_dict(), run / "text-encoder.pt")


def share_read(guess: Tensor, wanted: Tensor) -> float:
    """Return the share of positions at which the probe reads all labels right."""
    return float(((guess > 0) == (wanted > 0.5)).all(dim=1).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores as well")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.run, arguments.minutes, arguments.seed)


if __name__ == "__main__":
    main()
