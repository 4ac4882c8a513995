"""anystream, the client by hand and FastStream side by side: `python -m tests.benchmarks`."""
