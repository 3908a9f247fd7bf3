"""The parts of the conformance kit; `plugins.testkit` is its front door."""
