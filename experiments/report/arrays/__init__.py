"""Pictures of images, series and texts: a file for each kind, and which rows of a run are shown."""
