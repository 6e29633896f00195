"""Work side by side: where its pieces are done, and how many threads torch takes; what is done, others say."""
