"""The product's porch (settings, addresses) and its trading core. Imports nothing, so the core loads without Django."""
