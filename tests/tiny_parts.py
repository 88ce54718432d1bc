"""Parts of tiny pipelines that several families share: tokenizers that spell, text encoders, autoencoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
from sentencepiece import SentencePieceTrainer
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    T5Config,
    T5EncoderModel,
)

from tests.tiny_models import ALPHABET

SPECIAL = ("<pad>", "</s>", "<unk>", "<s>", "<|image_pad|>")
CHAT = (
    "{% for m in messages %}{{ m['content'] if m['content'] is string else m['content'][0]['text'] }}{% endfor %}"
    "{% if add_generation_prompt %}:{% endif %}"
)
"""Like real ones it has the answer begin with something, so that an empty prompt is not without tokens."""


def spelling_tokenizer(longest: int = 64, *, begins: bool = False) -> PreTrainedTokenizerFast:
    """A tokenizer of today's kind: every character is a token.

    Args:
        longest: tokens that it says its model reads.
        begins: whether it puts a token at the beginning, so that an empty text is not quite empty.
    """
    words = [*SPECIAL, *dict.fromkeys(ALPHABET + ALPHABET.upper() + " \n<>|_:{}'\"()")]
    inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    inner.decoder = decoders.Fuse()
    if begins:
        inner.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", words.index("<s>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", bos_token="<s>",
        model_max_length=longest, chat_template=CHAT,
    )  # fmt: skip


def spelling_sentencepiece(file: Path) -> Path:
    """A vocabulary of letters as sentencepiece writes it, which many a model has instead of a `tokenizer.json`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "wb") as sink:
        SentencePieceTrainer.train(
            sentence_iterator=iter([" ".join(ALPHABET), "moss on grey stone", "a red brick wall"] * 9),
            model_writer=sink, model_type="unigram", vocab_size=100, hard_vocab_limit=False, pad_id=0, eos_id=1,
            unk_id=2, bos_id=-1, minloglevel=2,
        )  # fmt: skip
    return file


def _t5(cls: Any = T5EncoderModel, config: Any = T5Config, width: int = 32) -> Any:
    sizes = {"d_model": width, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 4}
    return cls(config(vocab_size=160, **sizes))


def _causal(cls: Any, config: Any, width: int = 32, **more: Any) -> Any:
    sizes = {"hidden_size": width, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return cls(config(vocab_size=160, num_key_value_heads=2, head_dim=8, **sizes, **more))


def _qwen_vl() -> Any:
    text = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 2, "vocab_size": 160, "pad_token_id": 0, "bos_token_id": 3, "eos_token_id": 1,
        "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
    }  # fmt: skip
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision))


def _flow() -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler()


def _deep_vae() -> Any:
    """An autoencoder that shrinks by 8, which some pipelines take for granted."""
    return diffusers.AutoencoderKL(
        block_out_channels=(4, 4, 4, 4), down_block_types=("DownEncoderBlock2D",) * 4, norm_num_groups=2,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, sample_size=64, shift_factor=0.1,
    )  # fmt: skip


def _qwen_vae() -> Any:
    return diffusers.AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 2], num_res_blocks=1, temperal_downsample=[False],
        latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
