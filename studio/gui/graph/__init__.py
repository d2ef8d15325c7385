"""The layer graph: drawn from columns, colored by any figure of the layers."""
