"""The conditional GAN and its networks; nothing that other families use."""
