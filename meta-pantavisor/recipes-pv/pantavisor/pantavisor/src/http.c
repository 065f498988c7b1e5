/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "http_field.h"
#include "text.h"

/* What a token of RFC 9110 may have in addition to letters and digits. */
#define TOKEN_MARKS "!#$%&'*+-.^_`|~"
#define BLANKS " \t"

#define BAD_REQUEST 400
#define URI_TOO_LONG 414
#define FIELDS_TOO_LARGE 431
#define VERSION_NOT_SUPPORTED 505

static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};

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

/* The next line without its end; NULL where a byte in it is not text. */
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

/* Which names a path may have is up to the routes; here it is one text. */
static int read_path(struct pv_http_parser *p, const char *target)
{
	char *path = p->request->path;
	size_t used = 0;

	for (; *target && *target != '?'; target++) {
		int high = *target == '%' ? hex(target[1]) : 0, low = 0, byte = (unsigned char)*target;

		if (*target == '%') {
			low = high < 0 ? -1 : hex(target[2]);
			if (low < 0)
				return pv_http_refuse(
					p, BAD_REQUEST, "the path has a % without two hex digits");
			byte = high << 4 | low;
			target += 2;
		}
		if (byte <= ' ' || byte >= 0x7f)
			return pv_http_refuse(
				p, BAD_REQUEST, "the path has a byte that is not a printable character");
		if (used == PV_HTTP_PATH_BYTES - 1)
			return pv_http_refuse(p, URI_TOO_LONG, "the path is too long");
		path[used++] = (char)byte;
	}
	path[used] = '\0';
	return *path == '/' ? 0 : pv_http_refuse(p, BAD_REQUEST, "the path does not begin with a slash");
}

static int read_target(struct pv_http_parser *p, const char *target)
{
	/* As some clients ask a proxy: http://<host>/<path>. */
	if (strncasecmp(target, "http://", strlen("http://")) == 0) {
		const char *path = strchr(target + strlen("http://"), '/');

		return read_path(p, path ? path : "/");
	}
	return read_path(p, target);
}

static int read_version(struct pv_http_parser *p, const char *version)
{
	p->is_old = !strcmp(version, "HTTP/1.0");
	if (p->is_old || !strcmp(version, "HTTP/1.1"))
		return 0;
	if (!pv_starts_with(version, "HTTP/"))
		return pv_http_refuse(p, BAD_REQUEST, "the request line is not METHOD PATH HTTP/1.1");
	return pv_http_refuse(p, VERSION_NOT_SUPPORTED, "the version is neither HTTP/1.0 nor HTTP/1.1");
}

static int read_request_line(struct pv_http_parser *p, char *line)
{
	char *target = line ? strchr(line, ' ') : NULL, *version = target ? strchr(target + 1, ' ') : NULL;
	int status;

	if (!version)
		return pv_http_refuse(p, BAD_REQUEST, "the request line is not METHOD PATH HTTP/1.1");
	*target++ = *version++ = '\0';
	if (!is_token(line))
		return pv_http_refuse(p, BAD_REQUEST, "the method is not a word");
	status = read_version(p, version);
	if (status)
		return status;
	p->request->method = PV_HTTP_OTHER;
	for (size_t i = 0; i < PV_COUNT(methods); i++)
		if (!strcmp(line, methods[i]))
			p->request->method = (enum pv_http_method)i;
	return read_target(p, target);
}

static int read_field(struct pv_http_parser *p, char *line)
{
	char *value = line ? strchr(line, ':') : NULL, *end;

	if (++p->fields > PV_HTTP_FIELDS)
		return pv_http_refuse(p, FIELDS_TOO_LARGE, "there are too many header fields");
	if (!value)
		return pv_http_refuse(
			p, BAD_REQUEST, "a header field has no colon, or bytes that are not text");
	*value++ = '\0';
	/* A name with a blank after it, or a folded line, is read in two ways elsewhere. */
	if (!is_token(line))
		return pv_http_refuse(p, BAD_REQUEST, "the name of a header field is not a word");
	value += strspn(value, BLANKS);
	for (end = value + strlen(value); end > value && strchr(BLANKS, end[-1]); end--)
		end[-1] = '\0';
	return pv_http_read_field(p, line, value);
}

static int read_head(struct pv_http_parser *p, char *rest)
{
	int status = read_request_line(p, next_line(&rest));

	while (!status && *rest && *rest != '\n' && strncmp(rest, "\r\n", 2) != 0)
		status = read_field(p, next_line(&rest));
	return status ? status : pv_http_judge_body(p);
}

int pv_http_parse(const struct pv_http_head *head, struct pv_http_request *request, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(head->bytes, head->used);
	struct pv_http_parser p = {.request = request, .err = err};

	*request = (struct pv_http_request){0};
	if (!head->is_whole)
		return pv_http_refuse(&p, head->used == PV_HTTP_HEAD_BYTES ? FIELDS_TOO_LARGE : BAD_REQUEST,
			"the head of the request is too long, or not whole");
	if (memchr(copy, '\0', head->used))
		return pv_http_refuse(&p, BAD_REQUEST, "the head of the request has a NUL in it");
	return read_head(&p, copy);
}
