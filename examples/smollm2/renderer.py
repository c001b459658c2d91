"""How SmolLM2's turns follow each other, for the package `renderers`: later turns extend earlier
ones token by token, so that a rollout is one sequence to train on and not one for each turn.

`serve ... --engine-option renderer=FOLDER/renderer.py:SmolLM2Renderer`
"""

from __future__ import annotations

from typing import Any, Literal

from renderers import DefaultRendererConfig
from renderers.base import RenderedTokens
from renderers.default import DefaultRenderer


class SmolLM2Config(DefaultRendererConfig):
    name: Literal["smollm2"] = "smollm2"  # type: ignore[assignment]


class SmolLM2Renderer(DefaultRenderer):
    """The chat template of the model's folder, and what it puts between two turns."""

    config_class = SmolLM2Config

    def bridge_to_next_turn(
        self,
        previous_prompt_ids: list[int],
        previous_completion_ids: list[int],
        new_messages: list[Any],
        *,
        tools: list[Any] | None = None,  # noqa: ARG002  (the first prompt has them)
    ) -> RenderedTokens | None:
        """The tokens so far, the tools' results, and the beginning of the next turn."""
        if any(message["role"] != "tool" for message in new_messages):
            return None
        before = [*previous_prompt_ids, *previous_completion_ids]
        ends = self.get_stop_token_ids()
        if before[-1] not in ends:
            before += ends[:1]
        results = "".join(
            f"\n<|im_start|>user\n<tool_response>\n{message['content']}\n</tool_response><|im_end|>"
            for message in new_messages
        )
        new = self._tokenizer.encode(
            f"{results}\n<|im_start|>assistant\n", add_special_tokens=False
        )
        return RenderedTokens(
            token_ids=[*before, *new], message_indices=[-1] * (len(before) + len(new))
        )
