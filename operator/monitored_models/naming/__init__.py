"""Every name, defined once: kinds, objects, labels, keys, series, conditions."""
