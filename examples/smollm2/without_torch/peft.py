"""Replaces peft (which needs torch): SkyRL's JAX back end has it write one file."""

import json
from pathlib import Path


class LoraConfig:
    def __init__(self, base_model_name_or_path: str, r: int, lora_alpha: float) -> None:
        self.fields = {
            "peft_type": "LORA",
            "base_model_name_or_path": base_model_name_or_path,
            "r": r,
            "lora_alpha": lora_alpha,
        }

    def save_pretrained(self, folder: Path) -> None:
        text = json.dumps(self.fields, indent=2)
        (Path(folder) / "adapter_config.json").write_text(text, encoding="utf-8")
