"""The business, flow by flow, each readable top to bottom."""
