"""What others have to be able to trust: audits of synthetic tables, where rows came from, and taking rows back."""
