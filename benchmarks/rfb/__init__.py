"""The parts of the benchmark of RFB servers (`benchmarks.rfb_servers`)."""
