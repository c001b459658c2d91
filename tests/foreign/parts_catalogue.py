"""A spare-parts catalogue with a grader: a customer that has nothing to do with reports.

Run as a program it serves on a free port of 127.0.0.1 and prints its address as one line of JSON.
"""

from __future__ import annotations

import json
import random
import socket

import uvicorn
from fastapi import FastAPI, Request

MACHINES = ("Norden press", "Vela mill", "Castor lathe", "Orion saw", "Tycho pump", "Halley fan")
PARTS = ("drive belt", "oil seal", "guide rail", "clutch plate", "feed roller", "brake pad")

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "lookup_parts",
            "description": "Look up spare parts by machine and description. Answers with JSON.",
            "parameters": {
                "type": "object",
                "properties": {
                    "terms": {"type": "string", "description": "Search terms"},
                    "in_stock": {"type": "boolean", "description": "Only parts that are there"},
                },
                "required": ["terms"],
            },
        },
    }
]


def catalogue() -> list[dict[str, object]]:
    """36 parts. Of the codes that a part has, a customer orders by the article."""
    rng = random.Random("parts")
    return [
        {
            "machine": machine,
            "description": part,
            "maker": f"MK{rng.randint(10, 99)}",
            "bay": f"{rng.choice('KLM')}-{rng.randint(10, 99)}",
            "article": f"{machine[:2].upper()}-{rng.randint(1000, 9999)}",
            "price_cents": rng.randint(200, 90000),
        }
        for machine in MACHINES
        for part in PARTS
    ]


def rows(count: int, seed: str) -> list[dict[str, object]]:
    """Dataset rows: a question, the tools, and the reference that only the grader reads."""
    rng = random.Random(seed)
    return [
        {
            "messages": [
                {"role": "system", "content": "Answer with the code alone."},
                {
                    "role": "user",
                    "content": f"Which part replaces the {part['description']} of my"
                    f" {part['machine']}?",
                },
            ],
            "tools": TOOLS,
            "wanted": part["article"],
        }
        for part in rng.sample(catalogue(), count)
    ]


def make_app() -> FastAPI:
    app = FastAPI()
    parts = catalogue()

    @app.post("/lookup_parts")
    async def lookup_parts(request: Request) -> dict[str, object]:
        call = await request.json()
        words = set(json.loads(call["arguments"])["terms"].lower().replace("?", "").split())

        def shared(part: dict[str, object]) -> int:
            return len(words & set(f"{part['machine']} {part['description']}".lower().split()))

        hits = sorted((p for p in parts if shared(p)), key=lambda p: (-shared(p), p["article"]))
        output = json.dumps(hits[:4])
        return {"type": "function_call_output", "call_id": call["call_id"], "output": output}

    @app.post("/grade")
    async def grade(request: Request) -> dict[str, float]:
        body = await request.json()
        said, wanted = body["sample"]["output_text"], body["item"]["wanted"]
        if said == wanted:
            return {"score": 1.0}
        return {"score": 0.3 if wanted in said else 0.0}

    return app


if __name__ == "__main__":
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)  # before the address is told: whoever connects early is kept waiting
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        print(json.dumps({"url": url}), flush=True)
        config = uvicorn.Config(make_app(), log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])
