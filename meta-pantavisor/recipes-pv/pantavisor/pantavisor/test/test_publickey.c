/* SPDX-License-Identifier: MIT */
#include "publickey.h"

#include "check.h"

static void test_der_of_raw_signatures(void)
{
	uint8_t raw[132] = {0}, der[PV_PUBLICKEY_DER_BYTES];
	size_t length;

	raw[31] = 1;
	raw[32] = 0x80;
	length = pv_publickey_der(raw, 64, der);
	CHECK(length == 2 + 3 + 2 + 33 && der[0] == 0x30 && der[1] == 38 && der[2] == 2 && der[3] == 1 &&
		der[4] == 1);
	CHECK(der[5] == 2 && der[6] == 33 && der[7] == 0 && der[8] == 0x80);
	memset(raw, 0xff, sizeof(raw));
	length = pv_publickey_der(raw, 132, der);
	CHECK(length == 3 + 2 * (2 + 67) && der[1] == 0x81);
}

/* `bytes` must be a number, or must not be, in DER. */
static void check_natural(const char *bytes, size_t length, bool good, size_t digits)
{
	struct pv_der in = {(const uint8_t *)bytes, length}, number;

	CHECK(pv_der_natural(&in, &number) == good);
	CHECK(!good || number.left == digits);
}

static void test_numbers_have_one_spelling(void)
{
	check_natural("\2\1\0", 3, true, 1);
	check_natural("\2\2\0\x80", 4, true, 1);
	check_natural("\2\2\0\x7f", 4, false, 0);
	check_natural("\2\1\x80", 3, false, 0);
	check_natural("\2\0", 2, false, 0);
	check_natural("\2\x81\1\1", 4, false, 0);
	check_natural("\2\2\1", 3, false, 0);
	check_natural("\2\x80\1\0\0", 5, false, 0);
	check_natural("\2", 1, false, 0);
}

int main(void)
{
	test_der_of_raw_signatures();
	test_numbers_have_one_spelling();
	return check_done();
}
