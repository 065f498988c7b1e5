"""``python3 -m pantavisor`` is ``pvr``."""

from __future__ import annotations

from .cli import main

raise SystemExit(main())
