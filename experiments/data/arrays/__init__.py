"""Reading and writing images, series and texts: a file for each kind; what reads tables of columns is no part of it."""
