"""The compression methods. One file of this package is one method; adding a file adds the method everywhere."""
