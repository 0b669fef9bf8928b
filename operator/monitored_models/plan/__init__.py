"""The desired state against the observed state, as steps. Pure."""
