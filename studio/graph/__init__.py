"""Knowledge about graphs that methods, formats and measures share."""
