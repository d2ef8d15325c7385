"""What the window asks its child processes to do: plain values in, plain values out, no Qt."""
