/* SPDX-License-Identifier: MIT */
#include "verify.h"

#include <fcntl.h>
#include <string.h>

#include "alloc.h"
#include "beneath.h"
#include "bootfiles.h"
#include "file.h"
#include "isolation.h"
#include "lxcconf.h"
#include "names.h"
#include "strays.h"
#include "text.h"

#define BAD_FORMAT "State JSON has bad format"
#define BAD_OBJECT "Object validation went wrong"
#define REACHES "%.200s is not signed by one who may sign the bsp, and reaches the device"

int pv_verify_read_trust(const char *path, struct pv_trust **trust, struct pv_err *err)
{
	cleanup_free char *pem = NULL;
	size_t length;

	if (pv_read_file(path, PV_TRUST_BYTES, &pem, &length, err) < 0 ||
		pv_trust_parse(trust, pem, err) < 0)
		return pv_err_wrap(err, "trust store");
	return 0;
}

int pv_verify_read_signers(const char *path, struct pv_signers **signers, struct pv_err *err)
{
	cleanup_free char *text = NULL;
	size_t length;

	*signers = NULL;
	if (!pv_exists(path))
		return 0;
	if (pv_read_file(path, PV_SIGNERS_BYTES, &text, &length, err) < 0 ||
		pv_signers_parse(signers, text, length, err) < 0)
		return pv_err_wrap(err, "table of signers");
	return 0;
}

/* The words by which published tools know what is wrong come first. */
static int read_state(struct pv_state *state, const char *text, size_t length, struct pv_err *err)
{
	return pv_state_parse(state, text, length, err) < 0 ? pv_err_wrap(err, BAD_FORMAT) : 0;
}

static int read_manifests(const struct pv_verify *options, struct pv_state *state, struct pv_err *err)
{
	if (pv_state_read_manifests(state, options->goals_timeout_s, options->release, err) < 0)
		return pv_err_wrap(err, BAD_FORMAT);
	return 0;
}

static int check_signatures(const struct pv_verify *options, const struct pv_state *state,
	struct pv_pvs_result *result, struct pv_verified *verified, struct pv_err *err)
{
	const struct pv_pvs_policy policy = {
		options->mode, options->trust, options->signers, options->needs_set};
	int done = pv_pvs_verify(&state->doc, &policy, result, err);

	verified->signatures = result->signatures;
	verified->release = result->release;
	verified->complaint = result->complaint;
	verified->has_complaint = result->has_complaint;
	return done;
}

static bool is_by_bsp(const struct pv_state *state, const struct pv_pvs_result *result, const char *path)
{
	const struct pv_json *doc = &state->doc;
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(doc, pv_json_root(doc)); n;
		n = pv_json_next(doc, n), i++)
		if (!strcmp(pv_json_key(doc, n), path))
			return result->by_bsp[i];
	return false;
}

/* A container that reaches the device is as good as the bsp: only who may sign that may sign it. The
 * others' system calls are filtered, whether their run.json asks for it or not. */
static int check_container(const struct pv_verify *options, const struct pv_state *state,
	const struct pv_pvs_result *result, struct pv_container *container, struct pv_err *err)
{
	cleanup_free char *conf = pv_fmt("%s/%s", container->name, container->lxc_conf);
	cleanup_free char *run = pv_fmt("%s/run.json", container->name);
	cleanup_free char *text = NULL;
	size_t length;

	if (is_by_bsp(state, result, conf) && is_by_bsp(state, result, run))
		return 0;
	if (pv_objects_read(options->storage, state, conf, PV_LXCCONF_BYTES, &text, &length, err) < 0)
		return -1;
	if (container->lists_mgmt) {
		pv_err_set(err, "it has the role mgmt");
		return pv_err_wrap(err, REACHES, run);
	}
	if (strlen(text) == length && pv_isolation_check(container->name, text, err) == 0) {
		container->is_confined = true;
		return 0;
	}
	return pv_err_wrap(err, REACHES, conf);
}

static int check_containers(const struct pv_verify *options, const struct pv_state *state,
	const struct pv_pvs_result *result, struct pv_verified *verified, struct pv_err *err)
{
	if (!options->signers || options->mode == PV_SECUREBOOT_DISABLED)
		return 0;
	for (size_t i = 0; i < state->container_count; i++) {
		if (!state->containers[i].lxc_conf ||
			check_container(options, state, result, &state->containers[i], err) == 0)
			continue;
		if (options->mode != PV_SECUREBOOT_AUDIT)
			return -1;
		if (!verified->has_complaint)
			verified->complaint = *err;
		verified->has_complaint = true;
	}
	return 0;
}

static int check_text(const struct pv_verify *options, struct pv_state *state, struct pv_verified *verified,
	struct pv_err *err)
{
	struct pv_pvs_result result;
	int done = check_signatures(options, state, &result, verified, err);

	if (done == 0)
		done = read_manifests(options, state, err);
	if (done == 0)
		done = pv_objects_find_all(options->storage, state, err);
	if (done == 0)
		done = check_containers(options, state, &result, verified, err);
	pv_pvs_result_free(&result);
	return done;
}

int pv_verify_text(const struct pv_verify *options, const char *text, size_t length, struct pv_state *state,
	struct pv_verified *verified, struct pv_err *err)
{
	*verified = (struct pv_verified){0};
	if (read_state(state, text, length, err) < 0)
		return -1;
	if (check_text(options, state, verified, err) == 0)
		return 0;
	pv_state_free(state);
	return -1;
}

static int check_files(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_err *err)
{
	if (pv_strays_refuse(checkout, state, err) < 0 || pv_bootfiles_check(checkout, state, err) < 0)
		return pv_err_wrap(err, BAD_OBJECT);
	return 0;
}

/* Signatures come first: nothing of a state is believed, or repaired from it, before. */
static int check_state(const struct pv_verify *options, int trail, struct pv_state *state,
	struct pv_held *held, struct pv_verified *verified, struct pv_err *err)
{
	struct pv_checkout checkout = {options->storage, trail, options->repair,
		options->checksum || options->mode == PV_SECUREBOOT_STRICT, options->known};
	struct pv_pvs_result result;
	int done = check_signatures(options, state, &result, verified, err);

	if (done == 0)
		done = read_manifests(options, state, err);
	if (done == 0)
		done = check_files(&checkout, state, err);
	if (done == 0)
		done = check_containers(options, state, &result, verified, err);
	if (done == 0 && pv_objects_check(&checkout, state, held, &verified->objects, err) < 0)
		done = pv_err_wrap(err, BAD_OBJECT);
	pv_pvs_result_free(&result);
	return done;
}

int pv_verify_revision(const struct pv_verify *options, struct pv_state *state, struct pv_held *held,
	struct pv_verified *verified, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("trails/%s", options->revision);
	cleanup_free char *text = NULL;
	cleanup_close int trail = -1;
	size_t length;

	*verified = (struct pv_verified){0};
	if (!pv_revision_is(options->revision))
		return pv_err_set(err, "\"%.80s\" is not the name of a revision", options->revision);
	trail = pv_beneath_open(options->storage, path, O_RDONLY | O_DIRECTORY, err);
	if (trail < 0 || pv_beneath_read(trail, ".pvr/json", PV_JSON_TEXT_BYTES, &text, &length, err) < 0)
		return -1;
	if (read_state(state, text, length, err) < 0)
		return -1;
	if (check_state(options, trail, state, held, verified, err) == 0)
		return 0;
	pv_state_free(state);
	return -1;
}
