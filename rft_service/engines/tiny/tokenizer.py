"""The tiny model's tokens: one for each byte, and one for each word that the model can say itself.

The folder that `write_tokenizer` makes is a tokenizer in Hugging Face format. Its special tokens
are those of Qwen3, so that a renderer for Qwen3 writes its prompts and reads its replies.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

PIECE = r"\w+|\s|[^\w\s]+"  # a text is split into words, single spaces, and runs of punctuation
WORDS = (
    *("system", "user", "assistant", "\n", " ", '"', '{"', '":', '",', '"}}', '"}', "unknown"),
    *("name", "arguments", "well", "answer", "browse", "function", "type", "string", "object"),
    *("properties", "description", "parameters", "required", "question", "tool", "call"),
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKERS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
THINKING = ("<think>", "</think>")
TEXTS = (*map(chr, range(256)), *WORDS, *SPECIAL, *MARKERS, *THINKING)
"""What each token stands for; the first 256 are bytes, those from 128 on parts of characters."""
IDS = {text: 256 + n for n, text in enumerate(TEXTS[256:])}


def encode(text: str) -> list[int]:
    """The tokens of a text, as the tokenizer in the folder makes them."""
    whole = "|".join(map(re.escape, (*SPECIAL, *MARKERS, *THINKING)))
    tokens = list[int]()
    for part in re.split(f"({whole})", text):
        for piece in [part] if part in IDS else re.findall(PIECE, part):
            tokens += [IDS[piece]] if piece in IDS else piece.encode()
    return tokens


def decode(tokens: list[int]) -> str:
    """The text of tokens; bytes that are not UTF-8 become U+FFFD."""
    parts = [bytes([t]) if t < 256 else TEXTS[t].encode() for t in tokens]
    return b"".join(parts).decode("utf-8", "replace")


def write_tokenizer(folder: Path) -> None:
    """Write the tokenizer's folder. Raises OSError where that is impossible."""
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)}
    vocabulary |= {word: IDS[word] for word in WORDS}
    # `ignore_merges` takes a piece that is in the vocabulary whole; all others fall back to bytes.
    tokenizer = Tokenizer(models.BPE(vocabulary, [], byte_fallback=True, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in SPECIAL])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in (*MARKERS, *THINKING)])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
