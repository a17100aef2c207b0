"""What stands beside the networks of propensity: boosted trees and straight lines, and what each weighs."""
