"""EfficientDet without a screen: the network, inference, training, and the data that they read and write."""
