"""The parts of the layer table: facts, columns, model, drawing, filter, selectors."""
