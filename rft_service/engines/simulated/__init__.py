"""The simulated model: perception, choices, weights, and how its base weights were made."""

from rft_service.engines.simulated.policy import SimulatedPolicy

__all__ = ["SimulatedPolicy"]
