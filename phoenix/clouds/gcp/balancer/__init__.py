"""What moves traffic on Google Cloud: a route of a URL map, or one backend service with several groups behind it."""
