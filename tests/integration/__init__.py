"""The product as its users run it: real processes, real databases, real kills."""
