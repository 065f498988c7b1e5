# SPDX-License-Identifier: MIT
"""The demonstration images: built once from the distribution's packages, then served from build/registry.

``packages`` makes root file systems, ``engine`` makes images of them (Docker, Buildah, or ``plain`` without
any), ``registry`` keeps and serves them, ``images`` lists which there are and when they must be built
again, ``cli`` is the command.
"""
