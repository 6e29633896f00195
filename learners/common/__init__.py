"""What several learners share; no learner of the catalogue lives here."""
