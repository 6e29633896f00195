"""The variational autoencoder and its networks; nothing that other families use."""
