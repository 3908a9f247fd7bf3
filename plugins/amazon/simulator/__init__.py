"""A local simulation of Amazon's Selling Partner API, Login with Amazon and consent pages."""

from plugins.amazon.simulator.messages import ConnectionDropped, Request, Response
from plugins.amazon.simulator.simulator import Simulator

__all__ = ["ConnectionDropped", "Request", "Response", "Simulator"]
