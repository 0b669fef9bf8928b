"""Every name once: kinds, objects, labels, keys, series."""
