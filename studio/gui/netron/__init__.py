"""Netron (MIT) on the open model: its installed pages, a server for this machine only, and a view without network."""
