"""Scores, alerts and reasons for new rows, piece by piece; what is learnt or decided in a run is not done here."""
