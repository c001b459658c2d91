"""The graders that the service runs: what a spec may say, and how each kind scores."""
