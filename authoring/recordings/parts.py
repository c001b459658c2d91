"""A second task for lesson 06: a catalogue of spare parts, with its own tools and grader.

It shares nothing with the reports: no page, no company, no tool. Answers are codes, not numbers.
The lesson asks whether a job on reports changes how the agent does here.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MACHINES = ("Norden press", "Vela mill", "Castor lathe", "Orion saw", "Tycho pump", "Halley fan")
PARTS = (
    "drive belt", "oil seal", "guide rail", "clutch plate", "feed roller", "brake pad",
    "valve spring", "gear rack", "pump shaft", "filter mesh",
)  # fmt: skip
PROMPT = "You answer questions about spare parts. Answer with the code alone."
HITS = 4
LISTED = ("machine", "description", "maker", "article")
DETAILS = ("article", "price_cents", "supplier", "bay")

Part = dict[str, Any]


def _tool(name: str, description: str, **properties: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {
            key: {"type": "string", "description": properties[key]} for key in properties
        },
        "required": list(properties),
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS = [
    _tool(
        "find_parts",
        "Find spare parts by machine and description. Returns a JSON list of parts.",
        terms="Words of the machine and of the part",
    ),
    _tool(
        "part_details",
        "Look up one part by its article code. Returns JSON: price, supplier and bay.",
        article="The article code of a part, such as NO-1234",
    ),
]


def catalogue() -> list[Part]:
    """60 parts, each with an article code and, in its details, a supplier and a bay."""
    rng = random.Random("parts")
    return [
        {
            "machine": machine,
            "description": part,
            "article": f"{machine[:2].upper()}-{rng.randint(1000, 9999)}",
            "maker": f"MK{rng.randint(10, 99)}",
            "supplier": f"S{rng.randint(100, 999)}",
            "bay": f"{rng.choice('KLM')}-{rng.randint(10, 99)}",
            "price_cents": rng.randint(200, 90_000),
        }
        for machine in MACHINES
        for part in PARTS
    ]


def rows() -> list[dict[str, Any]]:
    """120 dataset rows: for each part one question about its article and one about its bay."""
    asked = []
    for part in catalogue():
        name = f"the {part['description']} of my {part['machine']}"
        asked += [
            (f"{part['article']}/article", f"Which article replaces {name}?", part["article"]),
            (f"{part['article']}/bay", f"In which bay is {name}?", part["bay"]),
        ]
    return [
        {
            "messages": [
                {"role": "system", "content": PROMPT},
                {"role": "user", "content": text},
            ],
            "tools": TOOLS,
            "question_id": question,
            "reference_answer": answer,
        }
        for question, text, answer in asked
    ]


def find_parts(terms: str) -> str:
    """The parts that share most words with the terms, without their details."""
    words = set(terms.lower().replace("?", " ").split())

    def shared(part: Part) -> int:
        return len(words & set(f"{part['machine']} {part['description']}".lower().split()))

    hits = sorted(filter(shared, catalogue()), key=lambda part: (-shared(part), part["article"]))
    return json.dumps([{key: part[key] for key in LISTED} for part in hits[:HITS]])


def part_details(article: str) -> str:
    """The details of one part."""
    for part in catalogue():
        if part["article"] == article:
            return json.dumps({key: part[key] for key in DETAILS})
    return f"Error: no article {article!r}; find_parts lists the codes."


def grade(sample: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    """1 for the code itself, 0 for everything else."""
    return float(sample["output_text"].strip() == item["reference_answer"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/grade":
            answer: dict[str, Any] = {"score": grade(body["sample"], body["item"])}
        else:
            tool = {"/find_parts": find_parts, "/part_details": part_details}[self.path]
            output = tool(**json.loads(body["arguments"]))
            answer = {
                "type": "function_call_output",
                "call_id": body["call_id"],
                "output": output,
            }
        said = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    """The address of the catalogue's tools and grader, on this machine, while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
