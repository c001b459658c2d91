"""Upload the two files beside this script and create the job that request.json describes.

pip install openai
OPENAI_BASE_URL=https://HOST/v1 OPENAI_API_KEY=... python launch.py
"""

import json
from pathlib import Path

from openai import OpenAI

HERE = Path(__file__).resolve().parent


def main() -> None:
    client = OpenAI()
    body = json.loads((HERE / "request.json").read_text(encoding="utf-8"))
    for name in ("training", "validation"):
        with (HERE / f"{name}.jsonl").open("rb") as rows:
            body[f"{name}_file"] = client.files.create(file=rows, purpose="fine-tune").id
    # Sent as it is: the client's types know neither tools nor endpoint graders.
    job = client.post("/fine_tuning/jobs", body=body, cast_to=dict)
    print(job["id"], job["status"])


if __name__ == "__main__":
    main()
