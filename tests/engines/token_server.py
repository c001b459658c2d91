"""A small sample-and-train server in its own process: `python -m tests.engines.token_server DIR`.

Its model is a table of logits: the next token depends on the token before it and on whether a tool
has answered, failed, or not been asked. It knows tokens only; words and items are the client's
business. Prints its address as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

CALL, ANSWER, LOOKUP, FIND, QUESTION, OUTPUT, UNKNOWN, END = range(8)
"""What the model can say. QUESTION copies the question's last word, OUTPUT the last tool output."""
TOOL_ANSWERED, TOOL_FAILED, START = 8, 9, 10  # markers in a prompt
FIRST_WORD = 16  # words of a prompt are tokens from here on
NEXT = {START: (CALL, ANSWER), CALL: (LOOKUP, FIND), ANSWER: (OUTPUT, UNKNOWN)} | dict.fromkeys(
    (LOOKUP, FIND), (QUESTION, UNKNOWN)
)
"""What the base model mostly says after a token; after any other it ends."""
Logits = np.ndarray[Any, np.dtype[np.float64]]


def base() -> Logits:
    """Logits [state, previous token, next token]: each sensible continuation is as likely."""
    logits = np.full((3, 11, 8), -4.0)
    for previous in range(11):
        for token in NEXT.get(previous, (END,)):
            logits[:, previous, token] = 0.0
    return logits


def state_of(tokens: list[int]) -> int:
    markers = [token for token in tokens if token in (TOOL_ANSWERED, TOOL_FAILED)]
    return 0 if not markers else 1 if markers[-1] == TOOL_ANSWERED else 2


def log_softmax(scores: Logits) -> Logits:
    shifted = scores - scores.max()
    result: Logits = shifted - np.log(np.exp(shifted).sum())
    return result


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models: dict[str, Logits] = {}
        self.gradients: dict[str, Logits] = {}
        self.said: set[tuple[int, ...]] = set()
        self.stats = {"sequences": 0, "later_turns": 0, "exact_extensions": 0}

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        name = f"model-{len(self.models)}"
        path = body["path"]
        self.models[name] = base() if path is None else np.load(self.folder / path)
        return {"model": name}

    def sample(self, body: dict[str, Any]) -> dict[str, Any]:
        logits, prompt = self.models[body["model"]], body["prompt"]
        self._note_extension(prompt)
        sequences = []
        for seed in body["seeds"]:
            random, tokens, logprobs = np.random.default_rng(seed), list[int](), list[float]()
            while len(tokens) < body["max_tokens"] and END not in tokens:
                previous = tokens[-1] if tokens else START
                chances = log_softmax(logits[state_of(prompt), previous] / body["temperature"])
                tokens.append(int(random.choice(8, p=np.exp(chances))))
                logprobs.append(float(chances[tokens[-1]]))
            sequences.append({"tokens": tokens, "logprobs": logprobs})
            self.said.add((*prompt, *tokens))
        self.stats["sequences"] += len(sequences)
        return {"sequences": sequences}

    def _note_extension(self, prompt: list[int]) -> None:
        """Count whether the prompt of a later turn extends tokens that were sampled here."""
        marks = [n for n, token in enumerate(prompt) if token in (TOOL_ANSWERED, TOOL_FAILED)]
        if marks:
            self.stats["later_turns"] += 1
            starts = (tuple(prompt[:mark]) for mark in marks)
            self.stats["exact_extensions"] += any(start in self.said for start in starts)

    def forward_backward(self, body: dict[str, Any]) -> dict[str, Any]:
        """Accumulate the importance-sampling policy gradient of turns."""
        logits, gaps = self.models[body["model"]], list[float]()
        gradient = self.gradients.setdefault(body["model"], np.zeros_like(logits))
        for datum in body["data"]:
            previous, state = START, state_of(datum["prompt"])
            for token, logprob in zip(datum["tokens"], datum["logprobs"], strict=True):
                chances = log_softmax(logits[state, previous])
                ratio = np.exp(chances[token] - logprob)
                gaps.append(abs(float(chances[token] - logprob)))
                slope = -np.exp(chances)
                slope[token] += 1
                gradient[state, previous] += datum["advantage"] * ratio * slope
                previous = token
        return {"logprob_gap": max(gaps, default=0.0)}

    def optim_step(self, body: dict[str, Any]) -> dict[str, Any]:
        gradient = self.gradients.pop(body["model"])
        self.models[body["model"]] = self.models[body["model"]] + body["learning_rate"] * gradient
        return {"gradient_norm": float(np.linalg.norm(gradient))}

    def save(self, body: dict[str, Any]) -> dict[str, Any]:
        path = f"{body['name'].replace('/', '-')}.npy"
        np.save(self.folder / path, self.models[body["model"]])
        return {"path": path}

    def delete(self, body: dict[str, Any]) -> dict[str, Any]:
        (self.folder / body["path"]).unlink(missing_ok=True)
        return {}


def app(folder: Path) -> Starlette:
    server = Server(folder)

    async def answer(request: Request) -> JSONResponse:
        name = request.path_params["name"]
        if name == "stats":
            return JSONResponse(server.stats)
        return JSONResponse(getattr(server, name)(await request.json()))

    return Starlette(routes=[Route("/{name}", answer, methods=["GET", "POST"])])


if __name__ == "__main__":
    config = uvicorn.Config(app(Path(sys.argv[1])), port=0, log_level="warning")
    listener = config.bind_socket()
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    uvicorn.Server(config).run(sockets=[listener])
