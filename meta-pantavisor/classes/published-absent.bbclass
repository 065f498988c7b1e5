# SPDX-License-Identifier: MIT
# Inherited by the classes of the published layer that are not here: the recipe is skipped with the line to
# write, where BitBake would stop at a missing class.
python () {
    pvbb.published.absent(d)
}
