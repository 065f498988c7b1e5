# SPDX-License-Identifier: MIT
# Which revision boots, and what it is given: a script of U-Boot with the contract of pantavisor-grub's
# grub.cfg.
#
# The storage is the partition of our own disk that has /boot/uboot.txt or its second copy, uboot2.txt, or
# where both are lost revision 0. The runtime writes them:
#   pv_gen     the generation, which rises with each change; a copy counts where it equals pv_end
#   pv_rev     the committed revision
#   pv_try     a revision that is to be tried once, or nothing
#   pv_prev    the revision that was committed before, or nothing
# What we note is in U-Boot's own environment (pv_b_notes=env), or for boards that keep none in one sector of
# the boot partition with a checksum, pv-notes.env (pv_b_notes=fat). It is saved before what it notes can
# start:
#   pv_trying  the generation whose one try has been spent
#   pv_fails   the generation, and an x for each boot of what is committed
#   pv_last    the committed revision that was booted last
# After three boots of pv_rev that were not good pv_prev is taken, after three more revision 0, then the
# console prints that, and it begins again. Where nothing can be saved, a kernel that panics stops, since
# nothing could lead past it.
#
# Names that begin with pv_b_ are set by the board, in front of this text or in the environment. Values of
# the files are copied by their pattern before anything else is done with them. The locals of this shell
# (without pv_) are not saved with the environment. An empty assignment does nothing here, and the value
# before it stays: setenv, or a word.

if test -z "${devtype}"; then setenv devtype virtio; fi
if test -z "${devnum}"; then setenv devnum 0; fi

disk=none
part list ${devtype} ${devnum} pv_parts
for number in ${pv_parts}; do
	for file in boot/uboot.txt boot/uboot2.txt trails/0/.pv/pv-kernel.img trails/0/.pv/pantavisor.fit; do
		if test "${disk}" = none; then
			if test -e ${devtype} ${devnum}:${number} /${file}; then disk="${devnum}:${number}"; fi
		fi
	done
done
setenv pv_parts

if test "${disk}" = none; then
	echo "pantavisor: no storage on ${devtype} ${devnum}: no partition with /boot/uboot.txt or revision 0"
	sleep 10
	reset
fi

save=saveenv
notes=yes
if test "${pv_b_notes}" = fat; then
	save="run pv_save"
	# What cannot be read again would be counted from the beginning for ever.
	setenv pv_read 'load ${devtype} ${devnum}:${distro_bootpart} ${loadaddr} pv-notes.env 200 && test "${filesize}" = 200 && env import -c ${loadaddr} 200 pv_trying pv_fails pv_last'
	setenv pv_save 'env export -c -s 200 ${loadaddr} pv_trying pv_fails pv_last && fatwrite ${devtype} ${devnum}:${distro_bootpart} ${loadaddr} pv-notes.env 200 && run pv_read'
	setenv pv_trying
	setenv pv_fails
	setenv pv_last
	# A file that is torn or missing could hide a try that was spent.
	notes=no
	if run pv_read; then notes=yes; fi
fi

# U-Boot's patterns know no ranges. Where nothing matches, setexpr fails or keeps the text, depending on its
# version: so a value is what it should be where its pattern took the "=" away that was put in front of it.
sign="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Nor do they count: a number has up to 10 digits, a generation 18, a name 71 signs, as the runtime reads
# them, or the two would go by different copies.
more="[0123456789]?[0123456789]?[0123456789]?[0123456789]?"
numbers="^=([0123456789]${more}${more}[0123456789]?)$"
generations="^=([123456789]${more}${more}${more}${more}[0123456789]?)$"
names="^=(locals/[${sign}][${sign}._-]*)$"
eight=........
longer="^=${eight}${eight}${eight}${eight}${eight}${eight}${eight}${eight}${eight}"

whole=no
gen=none
rev=0
try=none
prev=0
for copy in uboot.txt uboot2.txt; do
	setenv pv_gen
	setenv pv_rev
	setenv pv_try
	setenv pv_prev
	setenv pv_end
	if test "${whole}" = no && load ${devtype} ${disk} ${loadaddr} /boot/${copy} 400; then
		env import -b ${loadaddr} ${filesize} pv_gen pv_rev pv_try pv_prev pv_end
		gen=none
		setenv pv_name "=${pv_gen}"
		setexpr pv_name sub "${generations}" "\\1"
		if test "${pv_name}" != "=${pv_gen}"; then gen="${pv_name}"; fi
		rev=none
		setenv pv_name "=${pv_rev}"
		setexpr pv_name sub "${longer}" ""
		if test "${pv_name}" = "=${pv_rev}"; then
			setexpr pv_name sub "${numbers}" "\\1"
			setexpr pv_name sub "${names}" "\\1"
			if test "${pv_name}" != "=${pv_rev}"; then rev="${pv_name}"; fi
		fi
		if test "${rev}" != none && test "${gen}" = "${pv_gen}" && test "${gen}" = "${pv_end}"; then whole=yes; fi
		# Other tools write neither.
		if test "${rev}" != none && test -z "${pv_gen}" && test -z "${pv_end}"; then whole=yes; fi
		if test "${whole}" = yes; then
			setenv pv_name "=${pv_try}"
			setexpr pv_name sub "${numbers}" "\\1"
			setexpr pv_name sub "${names}" "\\1"
			if test "${pv_name}" != "=${pv_try}"; then try="${pv_name}"; fi
			setenv pv_name "=${pv_prev}"
			setexpr pv_name sub "${numbers}" "\\1"
			setexpr pv_name sub "${names}" "\\1"
			if test "${pv_name}" != "=${pv_prev}"; then prev="${pv_name}"; fi
		fi
	fi
done
setenv pv_gen
setenv pv_rev
setenv pv_try
setenv pv_prev
setenv pv_end

if test "${whole}" = no; then
	gen=none
	rev=0
	setenv pv_name "=${pv_last}"
	setexpr pv_name sub "${numbers}" "\\1"
	setexpr pv_name sub "${names}" "\\1"
	if test "${pv_name}" != "=${pv_last}"; then rev="${pv_name}"; fi
fi
setenv pv_name

# Other tools write no generation: there a try is known by its name.
generation="${gen}"
if test "${generation}" = none; then generation="${try}"; fi
links=/trails
chosen=none
panic=2
others="${rev}"

if test "${try}" != none; then
	if test "${notes}" = no || test "${pv_trying}" = "${generation}"; then
		echo "pantavisor: revision ${try} had its try, going back to ${rev}"
		# Notes that were lost are made again by what is booted now.
		setenv pv_trying "${generation}"
	elif test -e ${devtype} ${disk} ${links}/${try}/.pv/pv-kernel.img || test -e ${devtype} ${disk} ${links}/${try}/.pv/pantavisor.fit; then
		spent="${pv_trying}"
		setenv pv_trying "${generation}"
		# A try that cannot be noted could be repeated for ever.
		if ${save}; then
			chosen="${try}"
		else
			setenv pv_trying "${spent}"
			echo "pantavisor: the try of revision ${try} cannot be noted, staying with ${rev}"
		fi
	else
		echo "pantavisor: revision ${try} has no kernel, staying with ${rev}"
	fi
fi

if test "${chosen}" = none; then
	count=none
	for xs in x xx xxx xxxx xxxxx xxxxxx xxxxxxx xxxxxxxx xxxxxxxxx; do
		if test "${pv_fails}" = "${generation}:${xs}"; then count="${xs}"; fi
	done
	chosen="${rev}"
	for xs in xxx xxxx xxxxx; do if test "${count}" = "${xs}"; then chosen="${prev}"; fi; done
	for xs in xxxxxx xxxxxxx xxxxxxxx; do if test "${count}" = "${xs}"; then chosen=0; fi; done
	for other in ${prev} 0; do
		if test -e ${devtype} ${disk} ${links}/${chosen}/.pv/pv-kernel.img || test -e ${devtype} ${disk} ${links}/${chosen}/.pv/pantavisor.fit; then true; else chosen="${other}"; fi
	done
	if test "${count}" = xxxxxxxxx; then
		echo "pantavisor: neither revision ${rev} nor an earlier one starts; trying again in a minute"
		setenv pv_fails
		if ${save}; then
			# Not for ever: power that fails again and again looks the same, and such a device is to come
			# back.
			sleep 60
			reset
		fi
		# Each start would come here again and boot nothing.
		count=none
		chosen="${rev}"
	fi
	if test "${chosen}" != "${rev}"; then echo "pantavisor: revision ${rev} fails to start, taking ${chosen}"; fi
	if test "${count}" = none; then setenv pv_fails "${generation}:x"; else setenv pv_fails "${generation}:${count}x"; fi
	setenv pv_last "${rev}"
	if ${save}; then true; else
		echo "pantavisor: nothing can be noted, so a kernel that panics stops instead of starting again"
		panic="0 pv_uncounted=1"
		# No other start leads any further than this one.
		others="${rev} ${prev} 0"
	fi
fi

tried=pv_try=
if test "${try}" != none; then tried="pv_try=${try}"; fi
setenv oemargs
if test -n "${distro_bootpart}" && test -e ${devtype} ${devnum}:${distro_bootpart} /oemEnv.txt; then
	if load ${devtype} ${devnum}:${distro_bootpart} ${loadaddr} /oemEnv.txt 1000; then
		env import -t ${loadaddr} ${filesize} oemargs
	fi
fi
# No quotes, which could hide words from those who read them one way and show them to those who read them
# another; no words that start another program or are set by us.
if test -n "${oemargs}"; then
	harmless=no
	setenv pv_name "=${oemargs}"
	setexpr pv_name sub "^=([ ${sign}!\$%+,./:;<=>@^_~-]*)$" "\\1"
	if test "${pv_name}" != "=${oemargs}"; then
		harmless=yes
		for word in init= rdinit= initrd root= sysctl "-- " pv_ pV_ Pv_ PV_ ph_ pH_ Ph_ PH_; do
			setenv pv_name " ${oemargs} "
			setexpr pv_name sub " ${word}" ""
			if test "${pv_name}" != " ${oemargs} "; then harmless=no; fi
		done
	fi
	if test "${harmless}" = no; then
		echo "pantavisor: oemargs of oemEnv.txt has words or characters that it may not have, and is not used"
		setenv oemargs
	fi
	setenv pv_name
fi
# The runtime is to take this partition, and not another one that has the same label.
setenv pv_uuid
part uuid ${devtype} ${disk} pv_uuid

# Comes back only where a revision cannot be booted; the one after it is then taken at once.
for revision in ${chosen} ${others}; do
	echo "pantavisor: booting revision ${revision}"
	setenv bootargs "rdinit=/usr/bin/pantavisor pv_rev=${revision} ${tried} pv_storage.device=PARTUUID=${pv_uuid} panic=${panic} ${pv_b_args} ${oemargs}"
	if test -e ${devtype} ${disk} ${links}/${revision}/.pv/pantavisor.fit; then
		if load ${devtype} ${disk} ${ramdisk_addr_r} ${links}/${revision}/.pv/pantavisor.fit; then
			bootm ${ramdisk_addr_r}${pv_b_fit}
		fi
	else
		# A file that exists is one that this revision cannot do without.
		loaded=yes
		if load ${devtype} ${disk} ${ramdisk_addr_r} ${links}/${revision}/.pv/pv-initrd.img; then
			setexpr next ${ramdisk_addr_r} + ${filesize}
			for number in 0 1 2 3 4 5 6 7 8 9; do
				if test -e ${devtype} ${disk} ${links}/${revision}/.pv/pv-initrd.img.${number}; then
					# An archive begins at a multiple of four, after zeros.
					mw.b ${next} 0 4
					setexpr next ${next} + 3
					setexpr next ${next} / 4
					setexpr next ${next} * 4
					if load ${devtype} ${disk} ${next} ${links}/${revision}/.pv/pv-initrd.img.${number}; then true; else loaded=no; fi
					setexpr next ${next} + ${filesize}
				fi
			done
			setexpr size ${next} - ${ramdisk_addr_r}
			tree="${fdtcontroladdr}"
			if test -n "${fdt_addr}"; then tree="${fdt_addr}"; fi
			# Where firmware hands over a tree, U-Boot may know no place for another one.
			setexpr place ${next} + fff
			setexpr place ${place} / 1000
			setexpr place ${place} * 1000
			if test -n "${fdt_addr_r}"; then place="${fdt_addr_r}"; fi
			if test -n "${fdtfile}" && test -e ${devtype} ${disk} ${links}/${revision}/bsp/${fdtfile}; then
				if load ${devtype} ${disk} ${place} ${links}/${revision}/bsp/${fdtfile}; then tree="${place}"; else loaded=no; fi
			elif test -e ${devtype} ${disk} ${links}/${revision}/.pv/pv-fdt.dtb; then
				if load ${devtype} ${disk} ${place} ${links}/${revision}/.pv/pv-fdt.dtb; then tree="${place}"; else loaded=no; fi
			fi
			if test "${loaded}" = yes && load ${devtype} ${disk} ${kernel_addr_r} ${links}/${revision}/.pv/pv-kernel.img; then
				${pv_b_boot} ${kernel_addr_r} ${ramdisk_addr_r}:${size} ${tree}
			fi
		fi
	fi
	echo "pantavisor: revision ${revision} cannot be booted"
done
sleep 10
reset
