"""The Listings Items API and the listings feed."""
