"""The Gaussian copula generator and its parts; nothing that other families use."""
