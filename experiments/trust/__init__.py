"""Whether data and models may be trusted and given away: trails, forgetting, audits; no training, no generators."""
