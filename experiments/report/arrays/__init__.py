"""How images, series and texts are shown in reports: a file for each kind; what is measured is no part of it."""
