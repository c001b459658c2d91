"""The simulated model: perception, choices, weights, and how its base weights were made."""

from .policy import SimulatedPolicy

__all__ = ["SimulatedPolicy"]
