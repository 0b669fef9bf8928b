"""What exists in the cluster, by resource version: models, their children and pods, profiles, rejections. Pure."""
