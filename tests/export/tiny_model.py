"""Make a language model of 100,000 random weights, with a tokenizer, and warm it up.

    python tiny_model.py SCRIPT.py FOLDER

SCRIPT is an exported script, for its rows and its tools as TRL shows them. A random model never
writes a tool call by chance, so a few seconds of imitation teach it the form of one: to call
`lookup`, then to answer. Nothing is downloaded: the tokenizer is trained on the prompts, and its
chat template (Qwen3's) comes with TRL. It runs where torch and trl are installed.
"""

from __future__ import annotations

import json
import random
import runpy
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
from transformers.utils import get_json_schema
from trl.chat_template_utils import get_training_chat_template, qwen3_chat_template

STEPS = 150
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>"]


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=700, special_tokens=SPECIAL, initial_alphabet=alphabet),
    )
    tokenizer.add_tokens([*WORDS, "</think>"])
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    made.chat_template = qwen3_chat_template
    return made


def conversation(row: dict, key: str, answer: str) -> list[dict]:
    """A rollout as it should be: a call, its result, and an answer."""
    call = {"type": "function", "function": {"name": "lookup", "arguments": {"key": key}}}
    return [
        *row["messages"],
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "lookup", "content": f"value {key}"},
        {"role": "assistant", "content": answer},
    ]


def main(script: Path, folder: Path) -> None:
    torch.manual_seed(0)
    random.seed(0)
    exported = runpy.run_path(str(script))
    lines = exported["ROWS_FILE"].read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    tools = [get_json_schema(exported["Rollout"]().lookup)]
    print("tools:", json.dumps(tools), flush=True)
    pairs = [
        (row, row["messages"][-1]["content"].split()[-1], shrug)
        for row in rows
        for shrug in (False, True)  # so that rewards differ within a group
    ]
    texts = rendered(make_tokenizer(["x"]), pairs, tools)
    tokenizer = make_tokenizer(texts)
    texts = rendered(tokenizer, pairs, tools)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=2_048,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )  # fmt: skip
    model = Qwen3ForCausalLM(config)
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(STEPS):
        chosen = torch.tensor(random.sample(range(len(texts)), 8))
        loss = model(
            batch["input_ids"][chosen], attention_mask=batch["attention_mask"][chosen],
            labels=labels[chosen],
        ).loss  # fmt: skip
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    print(f"warmed up to a loss of {loss.item():.3f}", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def rendered(tokenizer: PreTrainedTokenizerFast, pairs: list, tools: list) -> list[str]:
    """The conversations as TRL would write them down."""
    template = get_training_chat_template(tokenizer)
    return [
        tokenizer.apply_chat_template(
            conversation(row, key, "unknown" if shrug else f"value {key}"),
            tools=tools, chat_template=template, tokenize=False,
        )
        for row, key, shrug in pairs
    ]  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
