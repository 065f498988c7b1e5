# SPDX-License-Identifier: MIT
# Whether a kernel can run a device. In the configuration of the machine or of the build:
#
#   KERNEL_CLASSES:append = " pantavisor-kernel"
#
# Kernels that merge fragments (kernel-yocto) get those of PANTAVISOR_KERNEL_FEATURES. Of every kernel the
# final .config is checked before it is compiled, and each missing option named.

PANTAVISOR_KERNEL_FEATURES ??= "runtime containers verity xz zstd watchdog"
PANTAVISOR_KERNEL_FEATURES[doc] = "What the kernel has to be able to do, by the names of the fragments in \
files/kernel: runtime, containers, verity, xz, zstd, lz4, usb, watchdog."

FILESEXTRAPATHS:prepend := "${PANTAVISOR_LAYERDIR}/files/kernel:"
SRC_URI:append = " ${@pvbb.kernelconfig.sources(d)}"

python do_pantavisor_kernel() {
    pvbb.kernelconfig.check(d)
}
do_pantavisor_kernel[vardeps] += "PANTAVISOR_KERNEL_FEATURES"
do_pantavisor_kernel[file-checksums] += "${@pvbb.kernelconfig.checksums(d)}"
addtask pantavisor_kernel after do_configure before do_compile
