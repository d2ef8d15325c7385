"""Figures about models: size, MACs, latency, memory, fidelity and task metrics, each with its conditions."""
