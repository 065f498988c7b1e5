# SPDX-License-Identifier: MIT
# For recipes that only deploy: no package tasks. The quickstart's core has none at all.
deltask do_package
deltask do_package_write_rpm
deltask do_package_write_ipk
deltask do_package_write_deb
deltask do_package_qa
deltask do_packagedata
deltask do_package_setscene
deltask do_packagedata_setscene
