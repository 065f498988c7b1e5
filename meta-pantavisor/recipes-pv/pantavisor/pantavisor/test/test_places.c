/* SPDX-License-Identifier: MIT */
#include "../pv-sdk/places.h"

#include <arpa/inet.h>

#include "check.h"

static struct in6_addr waiting[PLACES];
static size_t count;

static struct in6_addr address_of(const char *text)
{
	struct sockaddr_storage from = {.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};

	if (from.ss_family == AF_INET)
		CHECK(inet_pton(AF_INET, text, &((struct sockaddr_in *)&from)->sin_addr) == 1);
	else
		CHECK(inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&from)->sin6_addr) == 1);
	return place_address(&from);
}

static bool comes(const char *text)
{
	struct in6_addr address = address_of(text);

	if (!place_is_free(waiting, count, &address))
		return false;
	if (count < PLACES)
		waiting[count++] = address;
	return true;
}

/* How many of `calls` find a place. */
static size_t come(const char *text, size_t calls)
{
	size_t came = 0;

	while (calls--)
		came += comes(text);
	return came;
}

static void test_one_address_has_half_of_the_places(void)
{
	count = 0;
	CHECK(come("192.168.1.2", 20) == PLACES_EACH);
	CHECK(!comes("::ffff:192.168.1.2"));
	count = 0;
	CHECK(come("fd00::2", 20) == PLACES_EACH);
}

static void test_a_host_of_both_protocols_leaves_places_to_others(void)
{
	count = 0;
	CHECK(come("192.168.1.2", 20) + come("fd00::2", 20) == PLACES - PLACES_KEPT);
	CHECK(!comes("fd00::3") && !comes("192.168.1.2"));
	CHECK(comes("192.168.1.3") && comes("fd00:0:0:1::2") && comes("fe80::2") && comes("10.0.0.1"));
	CHECK(count == PLACES);
	/* Then one of another network comes in the place of one that has said nothing yet. */
	CHECK(comes("10.0.0.2") && !comes("fe80::3"));
}

static void test_neighbours_in_a_network_of_ipv6_keep_no_one_out_by_accident(void)
{
	count = 0;
	CHECK(come("fd00::2", 20) == PLACES_EACH && comes("fd00::3"));
}

static void test_networks_of_ipv6_and_addresses_of_ipv4_are_not_mistaken(void)
{
	count = 0;
	/* These share the first half of their bytes, which are zeros. */
	CHECK(come("0.0.0.1", 8) + come("::1", 4) == 12 && comes("127.0.0.1") && !comes("::2"));
}

int main(void)
{
	test_one_address_has_half_of_the_places();
	test_a_host_of_both_protocols_leaves_places_to_others();
	test_neighbours_in_a_network_of_ipv6_keep_no_one_out_by_accident();
	test_networks_of_ipv6_and_addresses_of_ipv4_are_not_mistaken();
	return check_done();
}
