"""Scripts that run in a peer's environment. Each is called with a file of candles and a grid, and prints JSON."""
