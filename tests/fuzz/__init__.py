# SPDX-License-Identifier: MIT
"""Coverage-guided fuzzing; see README.md."""
