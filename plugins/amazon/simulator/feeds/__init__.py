"""The Feeds API, its documents, and what each kind of feed does."""
