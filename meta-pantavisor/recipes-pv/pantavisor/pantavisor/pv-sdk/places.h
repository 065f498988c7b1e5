/* SPDX-License-Identifier: MIT */
/* Whom pv-sdk has a place for, among callers who may be anyone in the network. Touches nothing. */
#ifndef PV_SDK_PLACES_H
#define PV_SDK_PLACES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define PLACES 16
/* Of one address, so that none keeps the others out. */
#define PLACES_EACH 8
/* A host has several addresses, of IPv4 and of IPv6: the last places are for networks that have none. */
#define PLACES_KEPT 4

/* An address of IPv4 as IPv6 has it, so that it is one, however it comes. */
struct in6_addr place_address(const struct sockaddr_storage *from);
/* Next to those that wait for their answer. */
bool place_is_free(const struct in6_addr *waiting, size_t count, const struct in6_addr *address);

#endif
