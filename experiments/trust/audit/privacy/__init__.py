"""Whether synthetic rows tell whose rows they were made from: attacks on membership, and copies."""
