/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "alloc.h"
#include "check.h"
#include "text.h"

static bool parses(const char *text)
{
	struct pv_json doc;
	struct pv_err err;
	bool good = pv_json_parse(&doc, text, strlen(text), &err) == 0;

	if (good)
		pv_json_free(&doc);
	return good;
}

static void test_values_keep_their_source_text(void)
{
	static const char text[] = " {\"a\" : [1, {\"b\":1.5E0}] , \"c\\u0064\":\"x\\n\\ud83d\\ude00\"}\n";
	const struct pv_json_node *a, *cd;
	struct pv_json doc;
	struct pv_err err;

	CHECK(pv_json_parse(&doc, text, strlen(text), &err) == 0);
	a = pv_json_get(&doc, pv_json_root(&doc), "a");
	cd = pv_json_get(&doc, pv_json_root(&doc), "cd");
	CHECK(a && a->count == 2 && !strncmp(doc.text + a->start, "[1, {\"b\":1.5E0}]", a->end - a->start));
	CHECK(a->end - a->start == strlen("[1, {\"b\":1.5E0}]"));
	CHECK_TEXT(pv_json_string(&doc, cd), "x\n\xf0\x9f\x98\x80");
	CHECK(!pv_json_get(&doc, pv_json_root(&doc), "c"));
	CHECK(!pv_json_get(&doc, a, "b"));
	pv_json_free(&doc);
}

static void test_numbers_are_read_in_their_range(void)
{
	static const char text[] = "[2,1.5E0,-1,1e400,\"2\"]";
	struct pv_json doc;
	struct pv_err err;
	const struct pv_json_node *n;
	double number = 0;

	CHECK(pv_json_parse(&doc, text, strlen(text), &err) == 0);
	n = pv_json_first(&doc, pv_json_root(&doc));
	CHECK(pv_json_number(&doc, n, 0, 10, &number) && number > 1.9 && number < 2.1);
	n = pv_json_next(&doc, n);
	CHECK(pv_json_number(&doc, n, 0, 10, &number) && number > 1.4 && number < 1.6);
	while ((n = pv_json_next(&doc, n)))
		CHECK(!pv_json_number(&doc, n, 0, 10, &number));
	pv_json_free(&doc);
}

static void test_good_texts_parse(void)
{
	static const char *const good[] = {"{}", "[]", "0", "-0", "1e5", "1.0E-1", "\"\"", "true", "null",
		"[[],{}]", "{\"\":1}", "\"\\ud800\"", "\"\\u0000\"", "\"\xc3\xa9\"",
		"12345678901234567890"};

	for (size_t i = 0; i < PV_COUNT(good); i++)
		CHECK(parses(good[i]));
}

static void test_bad_texts_are_refused(void)
{
	static const char *const bad[] = {"", " ", "{", "}", "[", "[1", "[1,", "[1,]", "{\"a\"",
		"{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\" 1}", "{1:1}",
		"tru", "nul", "nullx", "+1", "01", "1.", ".1", "1e", "1e+", "-", "0x1", "NaN", "\"", "\"\\",
		"\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\t\"", "\"\xff\"", "\"\xc0\x80\"",
		"\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xc3\"", "1 2", "{}{}", "[1 2]", "/**/1",
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"a\\u0000\":1}", "\xef\xbb\xbf{}"};

	for (size_t i = 0; i < PV_COUNT(bad); i++)
		CHECK(!parses(bad[i]));
}

static char *nest(int depth)
{
	char *text = pv_alloc((size_t)depth * 2 + 1, 1);

	memset(text, '[', (size_t)depth);
	memset(text + depth, ']', (size_t)depth);
	return text;
}

static void test_depth_has_a_limit(void)
{
	cleanup_free char *last = nest(PV_JSON_DEPTH), *over = nest(PV_JSON_DEPTH + 1),
			  *far = nest(100000);

	CHECK(parses(last));
	CHECK(!parses(over));
	CHECK(!parses(far));
}

static char *zeros(size_t count)
{
	char *text = pv_alloc(count * 2 + 2, 1), *to = text;

	*to++ = '[';
	for (size_t i = 0; i < count; i++) {
		*to++ = '0';
		*to++ = ',';
	}
	to[-1] = ']';
	return text;
}

static void test_count_of_values_has_a_limit(void)
{
	cleanup_free char *last = zeros(PV_JSON_NODES - 1), *over = zeros(PV_JSON_NODES);

	CHECK(parses(last));
	CHECK(!parses(over));
}

static void test_length_has_a_limit(void)
{
	cleanup_free char *text = pv_alloc(PV_JSON_TEXT_BYTES + 2, 1);

	memset(text, ' ', PV_JSON_TEXT_BYTES);
	text[0] = '1';
	CHECK(parses(text));
	text[PV_JSON_TEXT_BYTES] = ' ';
	CHECK(!parses(text));
}

/* Every prefix of a state, and every state with one byte changed, either parses or is refused; the
 * sanitizers watch. */
static void test_broken_states_do_no_harm(void)
{
	size_t length;
	cleanup_free char *text = vector("signed_part_demo_ec256.json", &length);
	struct pv_json doc;
	struct pv_err err;

	for (size_t i = 0; i < length; i += 3) {
		cleanup_free char *prefix = pv_dup(text, i);

		CHECK(pv_json_parse(&doc, prefix, i, &err) < 0);
	}
	for (size_t i = 0; i < length; i += 7) {
		cleanup_free char *changed = pv_dup(text, length);

		changed[i] = (char)(changed[i] ^ (1 << i % 8));
		if (pv_json_parse(&doc, changed, length, &err) == 0)
			pv_json_free(&doc);
	}
}

int main(void)
{
	test_values_keep_their_source_text();
	test_numbers_are_read_in_their_range();
	test_good_texts_parse();
	test_bad_texts_are_refused();
	test_depth_has_a_limit();
	test_count_of_values_has_a_limit();
	test_length_has_a_limit();
	test_broken_states_do_no_harm();
	return check_done();
}
