"""EfficientDet without a screen: the network, inference, training, and the data that they read and write."""

import os

# Read as torch is loaded: what Apple's GPU has no operator for runs on the CPU instead of failing.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
