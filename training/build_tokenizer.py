"""Train the tokenizer: CLIP's byte-level BPE, with merges learnt from the captions.

    python -m training.build_tokenizer --folder training/runs/a/tokenizer
    python -m training.build_tokenizer --folder training/runs/b/tokenizer --extend MODEL/tokenizer

Every byte is in the vocabulary, inside and at the end of a word, so any text has tokens and none is
unknown. Sequences are padded with the end token to 77, as Stable Diffusion's tokenizers are.
An extended tokenizer keeps every token of the old one, so that networks taught with that go on understanding it.
"""

import argparse
import json
import re
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from training.textures.captions import vocabulary_text

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
VOCABULARY = 1200


def learn_merges(lines: list[str]) -> list[tuple[str, str]]:
    """Return the byte-pair merges of the lines, most useful first; a word's last piece ends in </w>."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(False)]
    )
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    # The merges are only to be had from the serialised form.
    return [(first, second) for first, second in json.loads(tokenizer.to_str())["model"]["merges"]]


def new_tokenizer() -> CLIPTokenizer:
    """Train and return the tokenizer; the same captions give the same tokenizer."""
    merges = learn_merges(vocabulary_text())
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    return _clip_tokenizer(list(dict.fromkeys([*tokens, START, END])), merges)


def _clip_tokenizer(tokens: list[str], merges: list[tuple[str, str]]) -> CLIPTokenizer:
    return CLIPTokenizer(
        vocab={token: index for index, token in enumerate(tokens)},
        merges=merges,
        bos_token=START,
        eos_token=END,
        unk_token=END,
        pad_token=END,
        model_max_length=LENGTH,
    )


def extended(tokenizer: CLIPTokenizer, lines: list[str]) -> CLIPTokenizer:
    """Return the tokenizer with a token for every word of the lines; the ids that it has stay as they are."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [(first, second) for first, second in model["merges"]]
    for word in sorted({word for line in lines for word in re.findall("[a-z]+", line)}):
        pieces = tokenizer.convert_ids_to_tokens(tokenizer(word).input_ids[1:-1])
        while len(pieces) > 1:
            merges.append((pieces[0], pieces[1]))
            pieces = [pieces[0] + pieces[1], *pieces[2:]]
            tokens.append(pieces[0])
    return _clip_tokenizer(list(dict.fromkeys(tokens)), list(dict.fromkeys(merges)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--extend", type=Path, help="tokenizer folder of an earlier edition")
    arguments = parser.parse_args()
    if arguments.extend:
        tokenizer = extended(CLIPTokenizer.from_pretrained(arguments.extend), vocabulary_text())
    else:
        tokenizer = new_tokenizer()
    tokenizer.save_pretrained(arguments.folder)
    print(f"{len(tokenizer)} tokens")


if __name__ == "__main__":
    main()
