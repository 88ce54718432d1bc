"""Write the trained networks as an ordinary diffusers folder in half precision.

    python -m training.export --run training/runs/a --folder bridge/engine/builtin/bridge-textures

The folder's README.md, the model card, is written by hand and left alone.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from transformers import CLIPTokenizer

from training.encode import load_autoencoder
from training.networks import new_scheduler
from training.train_denoiser import Trainer


def build_pipeline(run: Path) -> StableDiffusionPipeline:
    """Return the pipeline of the run's averaged weights, in float32."""
    tokenizer = CLIPTokenizer.from_pretrained(run / "tokenizer")
    trainer = Trainer(tokenizer)
    trainer.load(run / "denoiser.pt")
    trainer.networks.load_state_dict(trainer.average)
    return StableDiffusionPipeline(
        vae=load_autoencoder(run),
        text_encoder=trainer.networks["text"].eval(),
        tokenizer=tokenizer,
        unet=trainer.networks["unet"].eval(),
        scheduler=DPMSolverMultistepScheduler.from_config(new_scheduler().config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def write_legacy_vocabulary(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write vocab.json and merges.txt, which transformers 4 reads, beside tokenizer.json."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    vocabulary = json.dumps(model["vocab"], ensure_ascii=False)
    (folder / "vocab.json").write_text(vocabulary, encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def forget_origin(config: Path) -> None:
    """Take out of a network's configuration in which folder of this machine it lay before."""
    values = json.loads(config.read_text(encoding="utf-8"))
    values.pop("_name_or_path", None)
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_folder(pipeline: StableDiffusionPipeline, folder: Path) -> None:
    """Write a pipeline to `folder`, fp16 safetensors only."""
    pipeline = pipeline.to(torch.float16)
    # Contiguous, or the files would depend on the memory layout that training used.
    for network in (pipeline.vae, pipeline.unet, pipeline.text_encoder):
        network.to(memory_format=torch.contiguous_format)
    pipeline.save_pretrained(folder, safe_serialization=True)
    write_legacy_vocabulary(pipeline.tokenizer, folder / "tokenizer")
    for weights in folder.rglob("*.safetensors"):
        weights.chmod(0o644)  # they are written for the owner only
    for config in folder.glob("*/config.json"):
        forget_origin(config)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size / 2**20:.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=Path("bridge/engine/builtin/bridge-textures"))
    arguments = parser.parse_args()
    write_folder(build_pipeline(arguments.run), arguments.folder)


if __name__ == "__main__":
    main()
