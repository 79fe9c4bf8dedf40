"""What `distributed.py` measures on a cluster of several Ray nodes on this machine."""
