"""Items of an integration: what a cart SKU means in the warehouse, and what moved."""
