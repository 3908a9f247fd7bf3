"""The panel: pages over the core's slices. Reads their rows, writes only by their functions, calls no cart."""
