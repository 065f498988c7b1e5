/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include "alloc.h"
#include "check.h"

static bool decodes(enum pv_base64 kind, const char *text, const char *wanted)
{
	cleanup_free unsigned char *bytes = NULL;
	struct pv_err err;
	size_t length;

	if (pv_base64_decode(kind, text, &bytes, &length, &err) < 0)
		return false;
	return length == strlen(wanted) && !memcmp(bytes, wanted, length);
}

int main(void)
{
	/* RFC 4648, section 10. */
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "__79"}};

	for (size_t i = 0; i < PV_COUNT(pairs); i++) {
		cleanup_free char *text = pv_base64url_encode(pairs[i][0], strlen(pairs[i][0]));

		CHECK_TEXT(text, pairs[i][1]);
		CHECK(decodes(PV_BASE64_URL, pairs[i][1], pairs[i][0]));
	}
	CHECK(decodes(PV_BASE64_STANDARD, "Zg==", "f"));
	CHECK(decodes(PV_BASE64_STANDARD, "//79", "\xff\xfe\xfd"));
	CHECK(!decodes(PV_BASE64_STANDARD, "Zg", "f"));
	CHECK(!decodes(PV_BASE64_STANDARD, "__79", "\xff\xfe\xfd"));
	CHECK(!decodes(PV_BASE64_URL, "Zg==", "f"));
	CHECK(!decodes(PV_BASE64_URL, "//79", "\xff\xfe\xfd"));
	CHECK(!decodes(PV_BASE64_URL, "Z", ""));
	CHECK(!decodes(PV_BASE64_URL, "Zh", "f"));
	CHECK(!decodes(PV_BASE64_URL, "Zm 9v", "foo"));
	return check_done();
}
