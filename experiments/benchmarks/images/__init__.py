"""Images with rare classes: the loop against what others do about them, and how many rows aiming saves."""
