"""`make bench`: how fast the path of a text is, as ratios of things measured side by side in one run."""
