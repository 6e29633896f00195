"""Generators made of decision trees and their parts; no learners, those are in `learners`."""
