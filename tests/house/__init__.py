"""The house: tools, bootstrap, README."""
