"""The diffusion generator, its denoiser, samplers and guidance; nothing that other families use."""
