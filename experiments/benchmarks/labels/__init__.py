"""The benchmark of asking for labels: how few of them are enough, on tables and in a stream of payments."""
