"""The ports of a run, and what befalls the calls that go through them."""
