"""Replaces torch, which SkyRL imports by name for pictures alone: none come here."""


class Tensor:
    pass
