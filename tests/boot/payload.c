/* SPDX-License-Identifier: MIT */
/*
 * Stands in for a kernel of arm64: prints the command line that the boot loader put into the device tree,
 * and what it says of the initial RAM disk, on the console of QEMU's machine "virt"; then it powers off.
 * The head is that of an Image, so that booti takes it.
 */
#include <stdint.h>

__asm__(".text\n"
	"b start\n"
	".word 0\n"
	".quad 0\n"
	".quad 0x10000\n" /* size in memory */
	".quad 0xa\n"     /* little endian, pages of 4 KiB, anywhere */
	".quad 0, 0, 0\n"
	".ascii \"ARM\\x64\"\n"
	".word 0\n"
	".balign 16\n"
	".skip 4096\n"
	"stack_end:\n"
	"start: adr x1, stack_end\n"
	"mov sp, x1\n"
	"b run\n");

static void put(char byte)
{
	*(volatile uint32_t *)0x09000000 = (uint32_t)byte;
}

static void print(const volatile unsigned char *text, uint32_t length)
{
	for (uint32_t i = 0; i < length && text[i]; i++)
		put((char)text[i]);
}

static uint32_t word(const volatile unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int is(const volatile unsigned char *name, const char *wanted)
{
	while (*wanted && *name == (unsigned char)*wanted) {
		name++;
		wanted++;
	}
	return *name == (unsigned char)*wanted;
}

static void power_off(void)
{
	register uint64_t call __asm__("x0") = 0x84000008;

	__asm__ volatile("hvc #0" : : "r"(call));
	for (;;)
		;
}

__attribute__((used)) void run(const volatile unsigned char *tree)
{
	const volatile unsigned char *at = tree + word(tree + 8), *names = tree + word(tree + 12);
	uint32_t from = 0, to = 0;

	for (uint32_t token = word(at); token != 9; token = word(at)) {
		at += 4;
		if (token == 1) {
			while (*at)
				at++;
			at = tree + (((uint64_t)(at - tree) + 4) & ~3ULL);
		} else if (token == 3) {
			uint32_t size = word(at);
			const volatile unsigned char *name = names + word(at + 4), *value = at + 8;

			if (is(name, "bootargs")) {
				print((const volatile unsigned char *)"CMDLINE ", 8);
				print(value, size);
				put('\n');
			} else if (is(name, "linux,initrd-start")) {
				from = word(value + size - 4);
			} else if (is(name, "linux,initrd-end")) {
				to = word(value + size - 4);
			}
			at = tree + (((uint64_t)(at - tree) + 8 + size + 3) & ~3ULL);
		}
	}
	print((const volatile unsigned char *)"INITRD ", 7);
	for (uint64_t byte = from; byte < to; byte++) {
		unsigned char here = *(const volatile unsigned char *)byte;

		put(here ? (char)here : '.');
	}
	put('\n');
	power_off();
}
