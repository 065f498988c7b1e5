# SPDX-License-Identifier: MIT
# A class of the published layer that has nothing to do here.
inherit published-absent
