# SPDX-License-Identifier: MIT
# Inherited by every recipe of a build, by layer.conf: one that names a container or a device and forgot to
# inherit the class for it would build nothing, silently. No other recipe is changed.
python () {
    pvbb.variables.need_class(d)
}
