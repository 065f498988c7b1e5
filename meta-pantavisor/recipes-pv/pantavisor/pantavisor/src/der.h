/* SPDX-License-Identifier: MIT */
/*
 * DER (X.690), read forward and exactly: definite lengths in their shortest form, tags of one byte. All
 * functions return false for anything else, and where the value is not of the tag that was asked for.
 */
#ifndef PV_DER_H
#define PV_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PV_DER_BOOLEAN = 0x01,
	PV_DER_INTEGER = 0x02,
	PV_DER_BIT_STRING = 0x03,
	PV_DER_OCTET_STRING = 0x04,
	PV_DER_OID = 0x06,
	PV_DER_UTF8 = 0x0c,
	PV_DER_PRINTABLE = 0x13,
	PV_DER_IA5 = 0x16,
	PV_DER_UTC_TIME = 0x17,
	PV_DER_GENERALIZED_TIME = 0x18,
	PV_DER_SEQUENCE = 0x30,
	PV_DER_SET = 0x31,
	PV_DER_CONTEXT = 0xa0, /* + number: explicit */
};

/* Bytes that someone else holds. Reading takes them from the front. */
struct pv_der {
	const uint8_t *at;
	size_t left;
};

bool pv_der_is(const struct pv_der *in, uint8_t tag);
/* `whole`: the value with its tag and length; `content`: without. Either may be NULL. */
bool pv_der_take(struct pv_der *in, uint8_t tag, struct pv_der *whole, struct pv_der *content);
/* The shortest form of a number that is not negative; without the zero that only keeps it positive. */
bool pv_der_natural(struct pv_der *in, struct pv_der *digits);
/* One of at most `high`. */
bool pv_der_small(struct pv_der *in, unsigned int high, unsigned int *number);
/* Absent: false. A member that holds its default must be absent, so only true may be there. */
bool pv_der_flag(struct pv_der *in, bool *flag);
/* A bit string of whole bytes. */
bool pv_der_bytes(struct pv_der *in, struct pv_der *bytes);
bool pv_der_equal(const struct pv_der *is, const void *bytes, size_t length);

#endif
