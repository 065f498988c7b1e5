/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "text.h"

/* RFC 9110's token, besides letters and digits. */
#define TOKEN_MARKS "!#$%&'*+-.^_`|~"
#define BLANKS " \t"

#define BAD_REQUEST 400
#define LENGTH_REQUIRED 411
#define CONTENT_TOO_LARGE 413
#define URI_TOO_LONG 414
#define EXPECTATION_FAILED 417
#define FIELDS_TOO_LARGE 431
#define VERSION_NOT_SUPPORTED 505

static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{100, "Continue"},
	{200, "OK"},
	{204, "No Content"},
	{206, "Partial Content"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{422, "Unprocessable Content"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
	{507, "Insufficient Storage"},
};

struct parser {
	struct pv_http_request *request;
	bool is_old; /* HTTP/1.0 */
	bool has_coding;
	size_t fields;
	struct pv_err *err;
};

static int refuse(struct parser *p, int status, const char *why)
{
	pv_err_set(p->err, "%s", why);
	return status;
}

/* Ends at an empty line. Clients by hand, such as a shell with nc, end lines with a line feed alone. Empty
 * lines in front of the request are passed over, as RFC 9112 has it. */
static bool ends_head(const struct pv_http_head *head)
{
	const char *end = head->bytes + head->used;

	if (head->used < 2 || end[-1] != '\n')
		return false;
	if (end[-2] == '\n')
		return true;
	return head->used > 2 && end[-2] == '\r' && end[-3] == '\n';
}

size_t pv_http_take(struct pv_http_head *head, const char *bytes, size_t length)
{
	size_t taken = 0;

	while (taken < length && head->used < sizeof(head->bytes) && !head->is_whole) {
		char byte = bytes[taken++];

		if (!head->used && (byte == '\r' || byte == '\n'))
			continue;
		head->bytes[head->used++] = byte;
		head->is_whole = ends_head(head);
	}
	return taken;
}

/* The next line without its end; NULL where a byte in it is none of a text. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	*rest = end + 1;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	for (const char *at = line; *at; at++)
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
			return NULL;
	return line;
}

static bool is_token(const char *word)
{
	if (!*word)
		return false;
	for (; *word; word++)
		if (!isalnum((unsigned char)*word) && !strchr(TOKEN_MARKS, *word))
			return false;
	return true;
}

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* What a name in the path may not be, the routes say; here it is one text. */
static int read_path(struct parser *p, const char *target)
{
	char *path = p->request->path;
	size_t used = 0;

	for (; *target && *target != '?'; target++) {
		int high = *target == '%' ? hex(target[1]) : 0, low = 0, byte = (unsigned char)*target;

		if (*target == '%') {
			low = high < 0 ? -1 : hex(target[2]);
			if (low < 0)
				return refuse(p, BAD_REQUEST, "the path has a % without two hex digits");
			byte = high << 4 | low;
			target += 2;
		}
		if (byte <= ' ' || byte >= 0x7f)
			return refuse(
				p, BAD_REQUEST, "the path has a byte that is not a printable character");
		if (used == PV_HTTP_PATH_BYTES - 1)
			return refuse(p, URI_TOO_LONG, "the path is too long");
		path[used++] = (char)byte;
	}
	path[used] = '\0';
	return *path == '/' ? 0 : refuse(p, BAD_REQUEST, "the path does not begin with a slash");
}

static int read_target(struct parser *p, const char *target)
{
	/* As some clients ask a proxy: http://<host>/<path>. */
	if (strncasecmp(target, "http://", strlen("http://")) == 0) {
		const char *path = strchr(target + strlen("http://"), '/');

		return read_path(p, path ? path : "/");
	}
	return read_path(p, target);
}

static int read_version(struct parser *p, const char *version)
{
	p->is_old = !strcmp(version, "HTTP/1.0");
	if (p->is_old || !strcmp(version, "HTTP/1.1"))
		return 0;
	if (!pv_starts_with(version, "HTTP/"))
		return refuse(p, BAD_REQUEST, "the request line is not METHOD PATH HTTP/1.1");
	return refuse(p, VERSION_NOT_SUPPORTED, "the version is neither HTTP/1.0 nor HTTP/1.1");
}

static int read_request_line(struct parser *p, char *line)
{
	char *target = line ? strchr(line, ' ') : NULL, *version = target ? strchr(target + 1, ' ') : NULL;
	int status;

	if (!version)
		return refuse(p, BAD_REQUEST, "the request line is not METHOD PATH HTTP/1.1");
	*target++ = *version++ = '\0';
	if (!is_token(line))
		return refuse(p, BAD_REQUEST, "the method is not a word");
	status = read_version(p, version);
	if (status)
		return status;
	p->request->method = PV_HTTP_OTHER;
	for (size_t i = 0; i < PV_COUNT(methods); i++)
		if (!strcmp(line, methods[i]))
			p->request->method = (enum pv_http_method)i;
	return read_target(p, target);
}

/* Digits alone, as no function of the C library takes them. */
static bool read_number(const char **text, uint64_t *number)
{
	const char *at = *text;

	for (*number = 0; *at >= '0' && *at <= '9'; at++) {
		if (*number > PV_HTTP_BODY_BYTES / 10)
			return false;
		*number = *number * 10 + (uint64_t)(*at - '0');
	}
	if (at == *text || *number >= PV_HTTP_BODY_BYTES)
		return false;
	*text = at;
	return true;
}

static int read_length(struct parser *p, const char *value)
{
	uint64_t length;

	if (value[strspn(value, "0123456789")] || !*value)
		return refuse(p, BAD_REQUEST, "the Content-Length is not a number");
	if (!read_number(&value, &length))
		return refuse(p, CONTENT_TOO_LARGE, "the Content-Length is too large");
	/* Twice the same is one; two lengths are two requests, for two readers. */
	if (p->request->has_length && p->request->length != length)
		return refuse(p, BAD_REQUEST, "there are two Content-Lengths");
	p->request->has_length = true;
	p->request->length = length;
	return 0;
}

static int read_coding(struct parser *p, const char *value)
{
	(void)value;
	p->has_coding = true;
	return 0;
}

static int read_expect(struct parser *p, const char *value)
{
	if (strcasecmp(value, "100-continue"))
		return refuse(p, EXPECTATION_FAILED, "only \"Expect: 100-continue\" is known");
	p->request->expects_continue = !p->is_old;
	return 0;
}

/* bytes <first>-<last>/<total> */
static int read_content_range(struct parser *p, const char *value)
{
	struct pv_http_request *r = p->request;

	if (r->has_content_range || strncasecmp(value, "bytes ", strlen("bytes ")))
		return refuse(p, BAD_REQUEST, "the Content-Range is not \"bytes FIRST-LAST/TOTAL\"");
	value += strlen("bytes ");
	if (!read_number(&value, &r->first) || *value++ != '-' || !read_number(&value, &r->last) ||
		*value++ != '/' || !read_number(&value, &r->total) || *value)
		return refuse(p, BAD_REQUEST, "the Content-Range is not \"bytes FIRST-LAST/TOTAL\"");
	if (r->first > r->last || r->last >= r->total)
		return refuse(p, BAD_REQUEST, "the Content-Range is not within its total");
	r->has_content_range = true;
	return 0;
}

/* bytes=<from>- or bytes=<from>-<to>; any other is passed over, and the whole is sent, as RFC 9110 has it. */
static int read_range(struct parser *p, const char *value)
{
	struct pv_http_request *r = p->request;

	if (r->has_range || strncasecmp(value, "bytes=", strlen("bytes=")))
		return 0;
	value += strlen("bytes=");
	r->to = PV_HTTP_BODY_BYTES;
	if (!read_number(&value, &r->from) || *value++ != '-' || (*value && !read_number(&value, &r->to)))
		return 0;
	r->has_range = !*value && r->from <= r->to;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct parser *p, const char *value);
} fields[] = {
	{"Content-Length", read_length},
	{"Transfer-Encoding", read_coding},
	{"Expect", read_expect},
	{"Content-Range", read_content_range},
	{"Range", read_range},
};

static int read_field(struct parser *p, char *line)
{
	char *value = line ? strchr(line, ':') : NULL, *end;

	if (++p->fields > PV_HTTP_FIELDS)
		return refuse(p, FIELDS_TOO_LARGE, "there are too many header fields");
	if (!value)
		return refuse(p, BAD_REQUEST, "a header field has no colon, or bytes that are not text");
	*value++ = '\0';
	/* A name with a blank behind it, or a folded line, is read in two ways elsewhere. */
	if (!is_token(line))
		return refuse(p, BAD_REQUEST, "the name of a header field is not a word");
	value += strspn(value, BLANKS);
	for (end = value + strlen(value); end > value && strchr(BLANKS, end[-1]); end--)
		end[-1] = '\0';
	for (size_t i = 0; i < PV_COUNT(fields); i++)
		if (!strcasecmp(line, fields[i].name))
			return fields[i].read(p, value);
	return 0;
}

static int judge_body(struct parser *p)
{
	const struct pv_http_request *r = p->request;

	if (p->has_coding && r->has_length)
		return refuse(p, BAD_REQUEST, "there are a Transfer-Encoding and a Content-Length");
	if (p->has_coding)
		return refuse(p, LENGTH_REQUIRED, "a body needs a Content-Length, chunks are not taken");
	if (r->has_content_range && r->length != r->last - r->first + 1)
		return refuse(p, BAD_REQUEST, "Content-Range and Content-Length differ");
	return 0;
}

static int read_head(struct parser *p, char *rest)
{
	int status = read_request_line(p, next_line(&rest));

	while (!status && *rest && *rest != '\n' && strncmp(rest, "\r\n", 2) != 0)
		status = read_field(p, next_line(&rest));
	return status ? status : judge_body(p);
}

int pv_http_parse(const struct pv_http_head *head, struct pv_http_request *request, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(head->bytes, head->used);
	struct parser p = {.request = request, .err = err};

	*request = (struct pv_http_request){0};
	if (!head->is_whole)
		return refuse(&p, head->used == PV_HTTP_HEAD_BYTES ? FIELDS_TOO_LARGE : BAD_REQUEST,
			"the head of the request is too long, or not whole");
	if (memchr(copy, '\0', head->used))
		return refuse(&p, BAD_REQUEST, "the head of the request has a NUL in it");
	return read_head(&p, copy);
}

const char *pv_http_reason(int status)
{
	for (size_t i = 0; i < PV_COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

size_t pv_http_answer(
	char head[PV_HTTP_ANSWER_BYTES], int status, const char *type, uint64_t length, const char *more)
{
	int used = snprintf(head, PV_HTTP_ANSWER_BYTES,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\n%sConnection: close\r\n\r\n",
		status, pv_http_reason(status), type, (unsigned long long)length, more);

	return used < PV_HTTP_ANSWER_BYTES ? (size_t)used : PV_HTTP_ANSWER_BYTES - 1;
}
