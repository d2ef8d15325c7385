"""The parts of the Compare panel: the list of variants and one widget per view of them."""
