"""What a user may ask for, checked before any work starts; nothing is computed from data here."""
