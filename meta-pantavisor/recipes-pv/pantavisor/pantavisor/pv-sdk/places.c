/* SPDX-License-Identifier: MIT */
#include "places.h"

#include <string.h>

struct in6_addr place_address(const struct sockaddr_storage *from)
{
	struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	if (from->ss_family == AF_INET6)
		return ((const struct sockaddr_in6 *)from)->sin6_addr;
	memcpy(&address.s6_addr[12], &((const struct sockaddr_in *)from)->sin_addr, sizeof(struct in_addr));
	return address;
}

/* A host has as many addresses of its own network of IPv6 as it likes. */
static bool is_same_network(const struct in6_addr *one, const struct in6_addr *other)
{
	if (IN6_IS_ADDR_V4MAPPED(one))
		return IN6_ARE_ADDR_EQUAL(one, other);
	return !memcmp(one, other, sizeof(*one) / 2) && !IN6_IS_ADDR_V4MAPPED(other);
}

bool place_is_free(const struct in6_addr *waiting, size_t count, const struct in6_addr *address)
{
	size_t own = 0, neighbours = 0;

	for (size_t i = 0; i < count; i++) {
		own += IN6_ARE_ADDR_EQUAL(&waiting[i], address);
		neighbours += is_same_network(&waiting[i], address);
	}
	return !neighbours || (own < PLACES_EACH && count < PLACES - PLACES_KEPT);
}
