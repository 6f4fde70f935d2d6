"""The governor's parts: limits, lane (window, pace, exposure, pause), quota, waiting line."""
