"""Telling a packer what changed at the cart before an order is packed."""
