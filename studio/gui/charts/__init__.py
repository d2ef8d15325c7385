"""Charts painted by hand: bars with whiskers and a scatter of named points; in the theme's colors, with hover and copy."""
