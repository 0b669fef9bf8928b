"""The steps from observed to desired state. Pure."""
