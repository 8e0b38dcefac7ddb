/*
 * castline for C: immutable infrastructure as a library.
 *
 * Generated from bindings/c: `UPDATE_EXPECT=1 cargo test -p castline-c`. Do not edit.
 *
 * Rules, which are those of every function here:
 *
 * - What can fail returns a castline_status, CASTLINE_OK on success. With `error_out`, which may be NULL, a failure also gives an
 *   error that says what is wrong; the caller frees it. `*error_out` is written on failure only, all other `..._out` on success
 *   only; they must not be NULL where nothing else is said.
 * - What a function gives in a `..._out` belongs to the caller, who frees it with the function of its type. Freeing NULL is fine.
 *   `const char *` in structures and of castline_error_...() and castline_bytes_data() belong to what they were asked of.
 * - Texts are UTF-8. Those without a length end with NUL; documents come with their length and need no NUL. castline keeps
 *   nothing of what it is given.
 * - `const *` is safe to share: any number of threads may use it at once. What is not `const` is for one thread at a time. Nothing
 *   may be freed while another thread uses it.
 * - A handle that is NULL, of another type, or was freed lately is CASTLINE_NULL_ARGUMENT or CASTLINE_WRONG_HANDLE. castline remembers
 *   the last 4096 handles that were freed; using one that was freed before those, and pointers that are no handles, is undefined.
 * - No panic leaves castline: it is CASTLINE_INTERNAL. Memory that runs out ends the process.
 * - After fork(), the child may use everything but work that another thread was in the middle of.
 */

#ifndef CASTLINE_H
#define CASTLINE_H

#include <stddef.h>
#include <stdint.h>

#define CASTLINE_VERSION_MAJOR 0
#define CASTLINE_VERSION_MINOR 1
#define CASTLINE_VERSION_PATCH 0

#ifndef CASTLINE_API
#  if defined(_WIN32) && defined(CASTLINE_SHARED)
#    define CASTLINE_API __declspec(dllimport)
#  else
#    define CASTLINE_API
#  endif
#endif

#ifdef __cplusplus
extern "C" {
#endif


/**
 * Grows when a function, a constant or a structure of the header changes what it means, or goes.
 */
#define CASTLINE_ABI_VERSION 1

/**
 * A text, a document or other bytes. Free it with castline_bytes_free().
 */
typedef struct castline_bytes castline_bytes;

/**
 * A flag that stops work. Free it with castline_cancel_free(), whether or not the work has ended.
 */
typedef struct castline_cancel castline_cancel;

/**
 * Why a call failed. Free it with castline_error_free().
 */
typedef struct castline_error castline_error;

/**
 * The instances of a service. Immutable. Free it with castline_fleet_free().
 */
typedef struct castline_fleet castline_fleet;

/**
 * An image of which every byte was checked and found right. Only castline_verify() makes one. Immutable; free it with
 * castline_image_free().
 */
typedef struct castline_image castline_image;

/**
 * A chain of entries, each of which names the one before it by its digest. Immutable: one entry more is another
 * ledger. Free it with castline_ledger_free().
 */
typedef struct castline_ledger castline_ledger;

/**
 * How services get from what runs to what should. Immutable. Free it with castline_plan_free().
 */
typedef struct castline_plan castline_plan;

/**
 * How a service may be replaced. Immutable. Free it with castline_policy_free().
 */
typedef struct castline_policy castline_policy;

/**
 * What should run of a service. Immutable. Free it with castline_release_free().
 */
typedef struct castline_release castline_release;

/**
 * What a verification found. Immutable; free it with castline_report_free().
 */
typedef struct castline_report castline_report;

/**
 * A plan being executed: asked for what is to be done, told what happened. It does nothing itself and reads no clock.
 * Free it with castline_rollout_free().
 */
typedef struct castline_rollout castline_rollout;

/**
 * A tree of files, as an image has it or as it was found. Immutable; free it with castline_rootfs_free().
 */
typedef struct castline_rootfs castline_rootfs;

/**
 * What a scan found. Immutable; free it with castline_scan_free().
 */
typedef struct castline_scan castline_scan;

/**
 * What a verification yields. Free it with castline_verification_free().
 */
typedef struct castline_verification castline_verification;

/**
 * What a call came to: `CASTLINE_OK`, or why not. A number is never used again for something else.
 */
typedef uint32_t castline_status;

/**
 * How far work is. What is not known is 0.
 */
typedef struct {
  /**
   * Bytes read so far.
   */
  uint64_t bytes;
  /**
   * Bytes in all, as far as the image says.
   */
  uint64_t total_bytes;
  /**
   * Blobs finished; entries, in a scan.
   */
  uint64_t blobs;
  /**
   * Blobs in all.
   */
  uint64_t total_blobs;
} castline_progress;

/**
 * Called on the thread that has called castline, about twenty times a second and once at the end, with the `context`
 * that was given there. Answers 0 to go on; anything else stops the work, which then returns CASTLINE_CANCELLED. It
 * must return: an exception of C++ ends the process, longjmp() is undefined.
 */
typedef int (*castline_on_progress)(const castline_progress *progress, void *context);

/**
 * A label.
 */
typedef struct {
  /**
   * Its key.
   */
  const char *key;
  /**
   * Its value.
   */
  const char *value;
} castline_label;

/**
 * How far an instance's life has gone.
 */
typedef uint32_t castline_phase;

/**
 * Whether an instance does its work.
 */
typedef uint32_t castline_health;

/**
 * Whether the files of an instance are those of its image.
 */
typedef uint32_t castline_integrity;

/**
 * One instance. All but the id may be left 0: then it runs and is ready, and nothing more is known. Texts are UTF-8,
 * ended by NUL.
 */
typedef struct {
  /**
   * What names it on its platform; it never names another one.
   */
  const char *id;
  /**
   * The image that it runs, as its platform says it.
   */
  const char *image;
  /**
   * The revision that it was launched from.
   */
  const char *revision;
  /**
   * Where it is: what fails together.
   */
  const char *zone;
  /**
   * The slot that it holds, which its replacement inherits.
   */
  const char *slot;
  /**
   * Its labels.
   */
  const castline_label *labels;
  /**
   * How many there are.
   */
  size_t label_count;
  /**
   * When it was launched, in milliseconds since 1970, of the years 0 to 9999; 0 if that is not known.
   */
  int64_t created_at;
  /**
   * Since when it has been ready, in milliseconds since 1970, of the years 0 to 9999; 0 if that is not known.
   */
  int64_t ready_at;
  /**
   * How far its life has gone.
   */
  castline_phase phase;
  /**
   * Whether it does its work.
   */
  castline_health health;
  /**
   * Whether its files are those of its image.
   */
  castline_integrity integrity;
  /**
   * What it costs to lose it; lower goes first.
   */
  int32_t deletion_cost;
} castline_instance;

/**
 * Bytes and how many they are. NULL is fine where there are none.
 */
typedef struct {
  /**
   * The first one.
   */
  const char *data;
  /**
   * How many.
   */
  size_t length;
} castline_slice;

/**
 * What is to become of one service. Nothing is taken over: what it points to is freed by whom it belongs to.
 */
typedef struct {
  /**
   * What runs.
   */
  const castline_fleet *fleet;
  /**
   * What should.
   */
  const castline_release *release;
  /**
   * How it may get there; NULL for the default.
   */
  const castline_policy *policy;
} castline_target;

/**
 * One fact that a verification found. Its texts live as long as the report. The report's JSON says more: what refers
 * to it, expected and actual values.
 */
typedef struct {
  /**
   * What it is, as `blob-digest-mismatch`. Codes are the same in every language.
   */
  const char *code;
  /**
   * `error`, `warning` or `info`.
   */
  const char *level;
  /**
   * The same for people.
   */
  const char *message;
  /**
   * The blob that it is about; NULL if none.
   */
  const char *digest;
  /**
   * The path that it is about; NULL if none.
   */
  const char *path;
} castline_finding;

/**
 * It runs.
 */
#define CASTLINE_PHASE_RUNNING 0

/**
 * Launched, and not yet running.
 */
#define CASTLINE_PHASE_PENDING 1

/**
 * It is being retired, and not yet gone.
 */
#define CASTLINE_PHASE_TERMINATING 2

/**
 * Out of traffic and kept to be looked at.
 */
#define CASTLINE_PHASE_QUARANTINED 3

/**
 * It does.
 */
#define CASTLINE_HEALTH_READY 0

/**
 * Not now.
 */
#define CASTLINE_HEALTH_NOT_READY 1

/**
 * Not any more.
 */
#define CASTLINE_HEALTH_FAILED 2

/**
 * Nobody knows.
 */
#define CASTLINE_HEALTH_UNKNOWN 3

/**
 * Nobody looked.
 */
#define CASTLINE_INTEGRITY_UNKNOWN 0

/**
 * They are.
 */
#define CASTLINE_INTEGRITY_INTACT 1

/**
 * They are not.
 */
#define CASTLINE_INTEGRITY_COMPROMISED 2

/**
 * It was done.
 */
#define CASTLINE_OK 0

/**
 * The text is not a digest.
 */
#define CASTLINE_INVALID_DIGEST 1

/**
 * The bytes are not an image manifest.
 */
#define CASTLINE_INVALID_MANIFEST 2

/**
 * The caller asked for the work to stop.
 */
#define CASTLINE_CANCELLED 3

/**
 * The text is not a platform.
 */
#define CASTLINE_INVALID_PLATFORM 4

/**
 * No worker thread could be started.
 */
#define CASTLINE_NO_WORKERS 5

/**
 * The text is not an image reference.
 */
#define CASTLINE_INVALID_REFERENCE 6

/**
 * A file or folder could not be read.
 */
#define CASTLINE_IO 7

/**
 * The source is of a kind that this build or version does not read.
 */
#define CASTLINE_UNSUPPORTED 8

/**
 * The text is not a pattern for paths.
 */
#define CASTLINE_INVALID_GLOB 9

/**
 * The text is not a number of instances.
 */
#define CASTLINE_INVALID_AMOUNT 10

/**
 * The text is not a moment.
 */
#define CASTLINE_INVALID_TIME 11

/**
 * The text is not a schedule by which a window opens.
 */
#define CASTLINE_INVALID_WINDOW 12

/**
 * The document is not what it should be.
 */
#define CASTLINE_INVALID_DOCUMENT 13

/**
 * The plan was made for something else than what is there.
 */
#define CASTLINE_STALE_PLAN 14

/**
 * One image was asked for, and there are several.
 */
#define CASTLINE_SEVERAL_IMAGES 15

/**
 * There is nothing that has files.
 */
#define CASTLINE_NO_IMAGE 16

/**
 * Bytes are not those that a digest announced.
 */
#define CASTLINE_CONTENT_MISMATCH 17

/**
 * A file changed while it was put into an image.
 */
#define CASTLINE_SOURCE_CHANGED 18

/**
 * An image that is to be built upon is not intact.
 */
#define CASTLINE_NOT_INTACT 19

/**
 * A registry wants to know who we are, or does not allow it.
 */
#define CASTLINE_REGISTRY_UNAUTHORIZED 30

/**
 * A registry has no such image, tag or blob.
 */
#define CASTLINE_REGISTRY_NOT_FOUND 31

/**
 * A registry cannot be reached, or cannot answer for the moment.
 */
#define CASTLINE_REGISTRY_UNREACHABLE 32

/**
 * A registry does not do what it was asked, or does not keep to the protocol.
 */
#define CASTLINE_REGISTRY_REFUSED 33

/**
 * The credentials or certificates that were given cannot be used.
 */
#define CASTLINE_INVALID_CREDENTIALS 34

/**
 * A pointer that must not be NULL is.
 */
#define CASTLINE_NULL_ARGUMENT 100

/**
 * castline has a fault. The process is sound, and what was made before can be used; please report it.
 */
#define CASTLINE_INTERNAL 101

/**
 * A handle was freed, or is of another kind.
 */
#define CASTLINE_WRONG_HANDLE 102

/**
 * A text is not UTF-8.
 */
#define CASTLINE_INVALID_TEXT 103

/**
 * A number, an index or a name is none of those that there are.
 */
#define CASTLINE_OUT_OF_RANGE 104

/**
 * Another thread is in the middle of changing the same rollout.
 */
#define CASTLINE_IN_USE 105

/**
 * There is no plan. The error's code is the kind of conflict, its detail says what is in conflict.
 */
#define CASTLINE_INFEASIBLE 200

/**
 * A plan is not safe, or not what was asked for. The error's code is the kind of fault, its detail has the way there.
 */
#define CASTLINE_VIOLATION 201

/**
 * What was asked for needs an image that is what it claims, and it is not. The error's detail is the report.
 */
#define CASTLINE_INVALID_IMAGE 202

/**
 * An entry of a ledger is not what it must be. The error's code is the kind of fault, its detail says where it is.
 */
#define CASTLINE_BROKEN_CHAIN 203

/**
 * Builds an image and stores it in `to`, an OCI layout (`oci:DIR:TAG`) or archive (`oci-archive:FILE`). The same inputs
 * give the same bytes, on any number of cores and in every language. `description` has the members of a description in
 * TOML, as JSON. `options` is NULL or JSON with any of `isPath` (true: `description` is the path of a file in TOML),
 * `folder` (what its paths are relative to, if it is JSON), `created` (RFC 3339), `compression` (`"gzip"`, `"zstd"` or
 * `"none"`), `jobs` (threads). Nothing reads a clock: what is created is created in 1970 where nothing else is said.
 * `built_out` gets what was built as JSON. Linux only.
 */
CASTLINE_API
castline_status castline_build(const char *description,
                               size_t description_length,
                               const char *to,
                               const char *options,
                               const castline_cancel *cancel,
                               castline_on_progress on_progress,
                               void *context,
                               castline_bytes **built_out,
                               castline_error **error_out);

/**
 * The bytes, with a NUL after the last one. They live as long as the handle; empty for NULL.
 */
CASTLINE_API const char *castline_bytes_data(const castline_bytes *bytes);

/**
 * How many bytes there are, without the NUL; 0 for NULL.
 */
CASTLINE_API size_t castline_bytes_length(const castline_bytes *bytes);

/**
 * Frees bytes. NULL is fine.
 */
CASTLINE_API void castline_bytes_free(castline_bytes *bytes);

/**
 * Reads a fleet from JSON in any form.
 */
CASTLINE_API
castline_status castline_fleet_from_json(const char *json,
                                         size_t length,
                                         castline_fleet **fleet_out,
                                         castline_error **error_out);

/**
 * A fleet's form for people: indented JSON.
 */
CASTLINE_API
castline_status castline_fleet_to_json(const castline_fleet *fleet,
                                       castline_bytes **json_out,
                                       castline_error **error_out);

/**
 * A fleet's canonical form (RFC 8785), of which the digest is.
 */
CASTLINE_API
castline_status castline_fleet_to_canonical(const castline_fleet *fleet,
                                            castline_bytes **canonical_out,
                                            castline_error **error_out);

/**
 * The digest of a fleet's canonical form, as a text: the same in every language.
 */
CASTLINE_API
castline_status castline_fleet_digest(const castline_fleet *fleet,
                                      castline_bytes **digest_out,
                                      castline_error **error_out);

/**
 * 1 if both say the same, 0 if not.
 */
CASTLINE_API int castline_fleet_equals(const castline_fleet *fleet, const castline_fleet *other);

/**
 * Frees a fleet. NULL is fine.
 */
CASTLINE_API void castline_fleet_free(castline_fleet *fleet);

/**
 * Reads a release from JSON in any form.
 */
CASTLINE_API
castline_status castline_release_from_json(const char *json,
                                           size_t length,
                                           castline_release **release_out,
                                           castline_error **error_out);

/**
 * A release's form for people: indented JSON.
 */
CASTLINE_API
castline_status castline_release_to_json(const castline_release *release,
                                         castline_bytes **json_out,
                                         castline_error **error_out);

/**
 * A release's canonical form (RFC 8785), of which the digest is.
 */
CASTLINE_API
castline_status castline_release_to_canonical(const castline_release *release,
                                              castline_bytes **canonical_out,
                                              castline_error **error_out);

/**
 * The digest of a release's canonical form, as a text: the same in every language.
 */
CASTLINE_API
castline_status castline_release_digest(const castline_release *release,
                                        castline_bytes **digest_out,
                                        castline_error **error_out);

/**
 * 1 if both say the same, 0 if not.
 */
CASTLINE_API
int castline_release_equals(const castline_release *release,
                            const castline_release *other);

/**
 * Frees a release. NULL is fine.
 */
CASTLINE_API void castline_release_free(castline_release *release);

/**
 * Reads a policy from JSON in any form.
 */
CASTLINE_API
castline_status castline_policy_from_json(const char *json,
                                          size_t length,
                                          castline_policy **policy_out,
                                          castline_error **error_out);

/**
 * A policy's form for people: indented JSON.
 */
CASTLINE_API
castline_status castline_policy_to_json(const castline_policy *policy,
                                        castline_bytes **json_out,
                                        castline_error **error_out);

/**
 * A policy's canonical form (RFC 8785), of which the digest is.
 */
CASTLINE_API
castline_status castline_policy_to_canonical(const castline_policy *policy,
                                             castline_bytes **canonical_out,
                                             castline_error **error_out);

/**
 * The digest of a policy's canonical form, as a text: the same in every language.
 */
CASTLINE_API
castline_status castline_policy_digest(const castline_policy *policy,
                                       castline_bytes **digest_out,
                                       castline_error **error_out);

/**
 * 1 if both say the same, 0 if not.
 */
CASTLINE_API
int castline_policy_equals(const castline_policy *policy,
                           const castline_policy *other);

/**
 * Frees a policy. NULL is fine.
 */
CASTLINE_API void castline_policy_free(castline_policy *policy);

/**
 * Reads a plan from JSON in any form.
 */
CASTLINE_API
castline_status castline_plan_from_json(const char *json,
                                        size_t length,
                                        castline_plan **plan_out,
                                        castline_error **error_out);

/**
 * A plan's form for people: indented JSON.
 */
CASTLINE_API
castline_status castline_plan_to_json(const castline_plan *plan,
                                      castline_bytes **json_out,
                                      castline_error **error_out);

/**
 * A plan's canonical form (RFC 8785), of which the digest is.
 */
CASTLINE_API
castline_status castline_plan_to_canonical(const castline_plan *plan,
                                           castline_bytes **canonical_out,
                                           castline_error **error_out);

/**
 * The digest of a plan's canonical form, as a text: the same in every language.
 */
CASTLINE_API
castline_status castline_plan_digest(const castline_plan *plan,
                                     castline_bytes **digest_out,
                                     castline_error **error_out);

/**
 * 1 if both say the same, 0 if not.
 */
CASTLINE_API int castline_plan_equals(const castline_plan *plan, const castline_plan *other);

/**
 * Frees a plan. NULL is fine.
 */
CASTLINE_API void castline_plan_free(castline_plan *plan);

/**
 * Reads a tree from JSON lines.
 */
CASTLINE_API
castline_status castline_rootfs_from_json_lines(const char *lines,
                                                size_t length,
                                                castline_rootfs **rootfs_out,
                                                castline_error **error_out);

/**
 * A tree as JSON lines, one for each entry, in the order of the paths.
 */
CASTLINE_API
castline_status castline_rootfs_to_json_lines(const castline_rootfs *rootfs,
                                              castline_bytes **lines_out,
                                              castline_error **error_out);

/**
 * A tree as mtree(5).
 */
CASTLINE_API
castline_status castline_rootfs_to_mtree(const castline_rootfs *rootfs,
                                         castline_bytes **mtree_out,
                                         castline_error **error_out);

/**
 * How many entries a tree has; 0 for NULL.
 */
CASTLINE_API size_t castline_rootfs_entry_count(const castline_rootfs *rootfs);

/**
 * 1 if both are the same, 0 if not.
 */
CASTLINE_API
int castline_rootfs_equals(const castline_rootfs *rootfs,
                           const castline_rootfs *other);

/**
 * Frees a tree. NULL is fine.
 */
CASTLINE_API void castline_rootfs_free(castline_rootfs *rootfs);

/**
 * Reads a root filesystem as it is: the path of a folder, in any bytes, or `/proc/PID/root`. Linux only:
 * CASTLINE_UNSUPPORTED elsewhere.
 */
CASTLINE_API
castline_status castline_scan_folder(const char *root,
                                     const castline_cancel *cancel,
                                     castline_on_progress on_progress,
                                     void *context,
                                     castline_scan **scan_out,
                                     castline_error **error_out);

/**
 * A scan that found this tree, and read all of it.
 */
CASTLINE_API
castline_status castline_scan_of(const castline_rootfs *rootfs,
                                 castline_scan **scan_out,
                                 castline_error **error_out);

/**
 * The tree that was found.
 */
CASTLINE_API
castline_status castline_scan_rootfs(const castline_scan *scan,
                                     castline_rootfs **rootfs_out,
                                     castline_error **error_out);

/**
 * Frees a scan. NULL is fine.
 */
CASTLINE_API void castline_scan_free(castline_scan *scan);

/**
 * How what was found differs from what was shipped: a report, as JSON. `options` is NULL or JSON with any of `profile`
 * (`"docker"`, `"podman"`, `"kubernetes"`, `"none"`), `ignore` (patterns), `mounts` (paths), `mtime` (true: compare
 * times, too). `is_drifted_out` may be NULL; it gets 1 if there is a finding that is more than information, and 0 if
 * not.
 */
CASTLINE_API
castline_status castline_compare(const castline_rootfs *shipped,
                                 const castline_scan *actual,
                                 const char *options,
                                 int *is_drifted_out,
                                 castline_bytes **report_out,
                                 castline_error **error_out);

/**
 * The status that the call returned; CASTLINE_NULL_ARGUMENT or CASTLINE_WRONG_HANDLE where `error` is no error.
 */
CASTLINE_API
castline_status castline_error_status(const castline_error *error);

/**
 * The code that every language has: the status's name, or what the status says more of, as `budgets-in-conflict`.
 * Lives as long as the error; empty for NULL.
 */
CASTLINE_API
const char *castline_error_code(const castline_error *error);

/**
 * What is wrong, where, and what to do, for people. UTF-8; lives as long as the error; empty for NULL.
 */
CASTLINE_API
const char *castline_error_message(const castline_error *error);

/**
 * What the status says more, as JSON; NULL where there is nothing more. Lives as long as the error.
 */
CASTLINE_API const char *castline_error_detail(const castline_error *error);

/**
 * Frees an error. NULL is fine.
 */
CASTLINE_API void castline_error_free(castline_error *error);

/**
 * Everything that has a code, by kind, as JSON: `error`, `finding`, `drift`, `infeasible`, `violation`, `ledger`.
 */
CASTLINE_API
castline_status castline_codes(castline_bytes **codes_out,
                               castline_error **error_out);

/**
 * The fleet of `count` instances, in any order. `instance_size` is `sizeof(castline_instance)`, so that programs that
 * were built when it was smaller stay right. Nothing is kept of what `instances` points to.
 */
CASTLINE_API
castline_status castline_fleet_of(const char *service,
                                  const castline_instance *instances,
                                  size_t count,
                                  size_t instance_size,
                                  castline_fleet **fleet_out,
                                  castline_error **error_out);

/**
 * How many instances there are; 0 for NULL.
 */
CASTLINE_API size_t castline_fleet_instance_count(const castline_fleet *fleet);

/**
 * What is in documents of `kubectl get -o json`: services with their fleets and policies, and notes of what could not
 * be taken over, as JSON. `options` is NULL or JSON with any of `namespace`, `container`.
 */
CASTLINE_API
castline_status castline_import_kubernetes(const castline_slice *documents,
                                           size_t document_count,
                                           const char *options,
                                           castline_bytes **import_out,
                                           castline_error **error_out);

/**
 * The same of `docker` or `podman inspect`. `options` is NULL or JSON with `zone`.
 */
CASTLINE_API
castline_status castline_import_docker(const castline_slice *documents,
                                       size_t document_count,
                                       const char *options,
                                       castline_bytes **import_out,
                                       castline_error **error_out);

/**
 * The same of `aws` describing auto scaling groups, instances and target groups.
 */
CASTLINE_API
castline_status castline_import_aws(const castline_slice *documents,
                                    size_t document_count,
                                    castline_bytes **import_out,
                                    castline_error **error_out);

/**
 * The image in a manifest of Packer, as castline_release_of_provider_image() takes it. `options` is NULL or JSON with
 * any of `region`, `build`.
 */
CASTLINE_API
castline_status castline_import_packer(const char *manifest,
                                       size_t length,
                                       const char *options,
                                       castline_bytes **image_out,
                                       castline_error **error_out);

/**
 * The empty ledger.
 */
CASTLINE_API
castline_status castline_ledger_new(castline_ledger **ledger_out,
                                    castline_error **error_out);

/**
 * Reads a ledger from lines, and verifies each link. With `head`, the last entry must have that digest; with `within`,
 * one of them must; NULL for neither. CASTLINE_BROKEN_CHAIN if an entry is not what it must be.
 */
CASTLINE_API
castline_status castline_ledger_from_lines(const char *lines,
                                           size_t length,
                                           const char *head,
                                           const char *within,
                                           castline_ledger **ledger_out,
                                           castline_error **error_out);

/**
 * A ledger's lines: the canonical form of each entry.
 */
CASTLINE_API
castline_status castline_ledger_to_lines(const castline_ledger *ledger,
                                         castline_bytes **lines_out,
                                         castline_error **error_out);

/**
 * A ledger and one entry more: at a moment, by somebody, what is recorded, as JSON.
 */
CASTLINE_API
castline_status castline_ledger_append(const castline_ledger *ledger,
                                       const char *at,
                                       const char *actor,
                                       const char *record,
                                       size_t record_length,
                                       castline_ledger **ledger_out,
                                       castline_error **error_out);

/**
 * The digest of the last entry, as a text; NULL if there is none.
 */
CASTLINE_API
castline_status castline_ledger_head(const castline_ledger *ledger,
                                     castline_bytes **head_out,
                                     castline_error **error_out);

/**
 * How many entries there are; 0 for NULL.
 */
CASTLINE_API uint64_t castline_ledger_entry_count(const castline_ledger *ledger);

/**
 * The entries, the oldest first, as JSON.
 */
CASTLINE_API
castline_status castline_ledger_entries(const castline_ledger *ledger,
                                        castline_bytes **entries_out,
                                        castline_error **error_out);

/**
 * The rollouts of a service, the oldest first, as JSON.
 */
CASTLINE_API
castline_status castline_ledger_history(const castline_ledger *ledger,
                                        const char *service,
                                        castline_bytes **history_out,
                                        castline_error **error_out);

/**
 * The digest of the release that runs, as a text; NULL if none does.
 */
CASTLINE_API
castline_status castline_ledger_current(const castline_ledger *ledger,
                                        const char *service,
                                        castline_bytes **digest_out,
                                        castline_error **error_out);

/**
 * The release of a digest; NULL if the ledger has no such one.
 */
CASTLINE_API
castline_status castline_ledger_release(const castline_ledger *ledger,
                                        const char *digest,
                                        castline_release **release_out,
                                        castline_error **error_out);

/**
 * The last release of a service before the current one that has succeeded; NULL if there is none.
 */
CASTLINE_API
castline_status castline_ledger_previous_good(const castline_ledger *ledger,
                                              const char *service,
                                              castline_release **release_out,
                                              castline_error **error_out);

/**
 * What to go back to from a release that has failed; NULL if there is nothing.
 */
CASTLINE_API
castline_status castline_ledger_rollback_target(const castline_ledger *ledger,
                                                const castline_release *failed,
                                                castline_release **release_out,
                                                castline_error **error_out);

/**
 * The images that must be kept to go back `keep` releases of each service, in JSON: `digests`, `ofProviders`,
 * `unknown`.
 */
CASTLINE_API
castline_status castline_ledger_images_needed(const castline_ledger *ledger,
                                              size_t keep,
                                              castline_bytes **images_out,
                                              castline_error **error_out);

/**
 * Frees a ledger. NULL is fine.
 */
CASTLINE_API void castline_ledger_free(castline_ledger *ledger);

/**
 * Plans how services get from what runs to what should. CASTLINE_INFEASIBLE if there is no plan.
 */
CASTLINE_API
castline_status castline_plan_of(const castline_target *targets,
                                 size_t target_count,
                                 castline_plan **plan_out,
                                 castline_error **error_out);

/**
 * Proves that a plan is safe and does what was asked for: the proof, as JSON. CASTLINE_VIOLATION if it is not.
 */
CASTLINE_API
castline_status castline_plan_check(const castline_plan *plan,
                                    const castline_target *targets,
                                    size_t target_count,
                                    castline_bytes **proof_out,
                                    castline_error **error_out);

/**
 * Executes a plan in every order in which things can happen, in `states` states at most (0 for the default) with up to
 * `faults` faults: the proof, as JSON. `fallback` are releases to go back to.
 */
CASTLINE_API
castline_status castline_plan_explore(const castline_plan *plan,
                                      const castline_target *targets,
                                      size_t target_count,
                                      const castline_release *const *fallback,
                                      size_t fallback_count,
                                      uint64_t states,
                                      uint32_t faults,
                                      castline_bytes **proof_out,
                                      castline_error **error_out);

/**
 * Executes a plan in a simulated world, from the moment `at` on: what happens when, as JSON. `world` is NULL or JSON;
 * `at` is NULL or as `2026-11-23T22:50:00Z`.
 */
CASTLINE_API
castline_status castline_plan_simulate(const castline_plan *plan,
                                       const castline_target *targets,
                                       size_t target_count,
                                       const castline_release *const *fallback,
                                       size_t fallback_count,
                                       const char *world,
                                       size_t world_length,
                                       const char *at,
                                       castline_bytes **timeline_out,
                                       castline_error **error_out);

/**
 * How many waves a plan has and how long it takes, and the least that any plan could, as JSON. `world` is NULL or
 * JSON.
 */
CASTLINE_API
castline_status castline_plan_bounds(const castline_plan *plan,
                                     const castline_target *targets,
                                     size_t target_count,
                                     const char *world,
                                     size_t world_length,
                                     castline_bytes **bounds_out,
                                     castline_error **error_out);

/**
 * A plan's replacements in their order, as JSON.
 */
CASTLINE_API
castline_status castline_plan_replacements(const castline_plan *plan,
                                           castline_bytes **replacements_out,
                                           castline_error **error_out);

/**
 * How many waves a plan has; 0 for NULL.
 */
CASTLINE_API uint32_t castline_plan_wave_count(const castline_plan *plan);

/**
 * 1 if there is nothing to do in a plan, 0 if there is, or for NULL.
 */
CASTLINE_API int castline_plan_is_empty(const castline_plan *plan);

/**
 * A plan for a terminal that is `width` columns wide. `timeline` is NULL, or what castline_plan_simulate() gave.
 */
CASTLINE_API
castline_status castline_plan_to_text(const castline_plan *plan,
                                      const char *timeline,
                                      size_t timeline_length,
                                      size_t width,
                                      castline_bytes **text_out,
                                      castline_error **error_out);

/**
 * A plan as a drawing. `timeline` is NULL, or what castline_plan_simulate() gave.
 */
CASTLINE_API
castline_status castline_plan_to_svg(const castline_plan *plan,
                                     const char *timeline,
                                     size_t timeline_length,
                                     castline_bytes **svg_out,
                                     castline_error **error_out);

/**
 * A plan as a page. `timeline` is NULL, or what castline_plan_simulate() gave.
 */
CASTLINE_API
castline_status castline_plan_to_html(const castline_plan *plan,
                                      const char *timeline,
                                      size_t timeline_length,
                                      castline_bytes **html_out,
                                      castline_error **error_out);

/**
 * So many copies of a verified image. What else a release says, its JSON does.
 */
CASTLINE_API
castline_status castline_release_of(const char *service,
                                    const castline_image *image,
                                    uint64_t replicas,
                                    castline_release **release_out,
                                    castline_error **error_out);

/**
 * So many copies of an image that only its provider has; `image` is `{"provider", "id", "provenance"}` in JSON.
 */
CASTLINE_API
castline_status castline_release_of_provider_image(const char *service,
                                                   const char *image,
                                                   size_t image_length,
                                                   uint64_t replicas,
                                                   castline_release **release_out,
                                                   castline_error **error_out);

/**
 * The same release with so many copies.
 */
CASTLINE_API
castline_status castline_release_with_replicas(const castline_release *release,
                                               uint64_t replicas,
                                               castline_release **release_out,
                                               castline_error **error_out);

/**
 * What an instance of a release is, whatever their number, as a text.
 */
CASTLINE_API
castline_status castline_release_revision(const castline_release *release,
                                          castline_bytes **revision_out,
                                          castline_error **error_out);

/**
 * The whole report as JSON.
 */
CASTLINE_API
castline_status castline_report_to_json(const castline_report *report,
                                        castline_bytes **json_out,
                                        castline_error **error_out);

/**
 * 1 if there is no finding of level error, 0 if there is one, or for NULL.
 */
CASTLINE_API int castline_report_is_intact(const castline_report *report);

/**
 * 1 if it is intact and nothing that was asked for was left unchecked, 0 if not, or for NULL.
 */
CASTLINE_API int castline_report_is_complete(const castline_report *report);

/**
 * How many findings there are; 0 for NULL.
 */
CASTLINE_API size_t castline_report_finding_count(const castline_report *report);

/**
 * One of the findings, from 0 on, in the order of the documents.
 */
CASTLINE_API
castline_status castline_report_finding(const castline_report *report,
                                        size_t index,
                                        castline_finding *finding_out,
                                        castline_error **error_out);

/**
 * Frees a report. NULL is fine.
 */
CASTLINE_API void castline_report_free(castline_report *report);

/**
 * Begins a rollout of a plan at a moment, as `2026-11-23T22:50:00Z`. `fallback` are releases to go back to.
 */
CASTLINE_API
castline_status castline_rollout_start(const castline_plan *plan,
                                       const castline_target *targets,
                                       size_t target_count,
                                       const castline_release *const *fallback,
                                       size_t fallback_count,
                                       const char *at,
                                       castline_rollout **rollout_out,
                                       castline_error **error_out);

/**
 * What is to be done now, as JSON: `actions`, the same ones with the same `key` until an event says what became of
 * them, and when to `wake`.
 */
CASTLINE_API
castline_status castline_rollout_next(const castline_rollout *rollout,
                                      castline_bytes **next_out,
                                      castline_error **error_out);

/**
 * Tells a rollout what happened: an event, as JSON. Not from two threads at once: one of them gets CASTLINE_IN_USE.
 */
CASTLINE_API
castline_status castline_rollout_on(castline_rollout *rollout,
                                    const char *event,
                                    size_t event_length,
                                    castline_error **error_out);

/**
 * How far a rollout is, as JSON: `{"status": "running"}`, or what stops it.
 */
CASTLINE_API
castline_status castline_rollout_status(const castline_rollout *rollout,
                                        castline_bytes **status_out,
                                        castline_error **error_out);

/**
 * 1 if nothing comes any more, 0 if something does. 1 for NULL and for what is no rollout, too, so that a loop ends.
 */
CASTLINE_API
int castline_rollout_has_ended(const castline_rollout *rollout);

/**
 * How far a rollout is in numbers, as JSON.
 */
CASTLINE_API
castline_status castline_rollout_progress(const castline_rollout *rollout,
                                          castline_bytes **progress_out,
                                          castline_error **error_out);

/**
 * What waits, and what for, as JSON.
 */
CASTLINE_API
castline_status castline_rollout_waits(const castline_rollout *rollout,
                                       castline_bytes **waits_out,
                                       castline_error **error_out);

/**
 * The fleet of a service, as far as events tell; NULL if the rollout has no such service.
 */
CASTLINE_API
castline_status castline_rollout_fleet(const castline_rollout *rollout,
                                       const char *service,
                                       castline_fleet **fleet_out,
                                       castline_error **error_out);

/**
 * The plan that is executed: another one after a resize or on the way back.
 */
CASTLINE_API
castline_status castline_rollout_plan(const castline_rollout *rollout,
                                      castline_plan **plan_out,
                                      castline_error **error_out);

/**
 * The time of the last event, as a text.
 */
CASTLINE_API
castline_status castline_rollout_clock(const castline_rollout *rollout,
                                       castline_bytes **clock_out,
                                       castline_error **error_out);

/**
 * Another rollout that goes on from the same state.
 */
CASTLINE_API
castline_status castline_rollout_copy(const castline_rollout *rollout,
                                      castline_rollout **copy_out,
                                      castline_error **error_out);

/**
 * 1 if both are in the same state, 0 if not.
 */
CASTLINE_API
int castline_rollout_equals(const castline_rollout *rollout,
                            const castline_rollout *other);

/**
 * Frees a rollout. NULL is fine.
 */
CASTLINE_API void castline_rollout_free(castline_rollout *rollout);

/**
 * The name of a status, as `INVALID_DIGEST`: the code that every language has; `UNKNOWN` for a number that is none.
 * Static: do not free it.
 */
CASTLINE_API
const char *castline_status_name(castline_status status);

/**
 * Reads a digest, as `sha256:…`, and writes it the way castline does.
 */
CASTLINE_API
castline_status castline_digest_parse(const char *text,
                                      size_t length,
                                      castline_bytes **digest_out,
                                      castline_error **error_out);

/**
 * The digest of some bytes, by SHA-256, as a text.
 */
CASTLINE_API
castline_status castline_digest_of(const char *data,
                                   size_t length,
                                   castline_bytes **digest_out,
                                   castline_error **error_out);

/**
 * Reads a platform, as `linux/arm64/v8`, and writes it the way castline does.
 */
CASTLINE_API
castline_status castline_platform_parse(const char *text,
                                        size_t length,
                                        castline_bytes **platform_out,
                                        castline_error **error_out);

/**
 * Reads an image reference, as `oci:DIR:TAG`. Its parts, in JSON: `text`, `transport`, `path`, `tag`, `digest`,
 * `position`; null where there is none.
 */
CASTLINE_API
castline_status castline_reference_parse(const char *text,
                                         size_t length,
                                         castline_bytes **parts_out,
                                         castline_error **error_out);

/**
 * Reads a moment in RFC 3339, as `2026-11-23T22:50:00Z`: milliseconds since 1970-01-01T00:00:00Z.
 */
CASTLINE_API
castline_status castline_time_parse(const char *text,
                                    size_t length,
                                    int64_t *millis_out,
                                    castline_error **error_out);

/**
 * A moment of the years 0 to 9999, in milliseconds since 1970-01-01T00:00:00Z, as RFC 3339.
 */
CASTLINE_API
castline_status castline_time_format(int64_t millis,
                                     castline_bytes **text_out,
                                     castline_error **error_out);

/**
 * Reads a number of instances, as `3` or `25% up`, and writes it the way castline does.
 */
CASTLINE_API
castline_status castline_amount_parse(const char *text,
                                      size_t length,
                                      castline_bytes **amount_out,
                                      castline_error **error_out);

/**
 * How many an amount is of `total`.
 */
CASTLINE_API
castline_status castline_amount_of(const char *text,
                                   size_t length,
                                   uint64_t total,
                                   uint64_t *count_out,
                                   castline_error **error_out);

/**
 * Reads a revision, and writes it the way castline does.
 */
CASTLINE_API
castline_status castline_revision_parse(const char *text,
                                        size_t length,
                                        castline_bytes **revision_out,
                                        castline_error **error_out);

/**
 * A window that opens by a schedule, as `0 2 * * *`, for so many seconds, in a time zone, as `Europe/Berlin`, looked
 * at at a moment. In JSON: `schedule`, `durationSeconds`, `timeZone`, whether it is `open`, and when it opens next,
 * `nextOpen`; null for never.
 */
CASTLINE_API
castline_status castline_window_at(const char *schedule,
                                   uint64_t duration_seconds,
                                   const char *time_zone,
                                   int64_t now,
                                   castline_bytes **window_out,
                                   castline_error **error_out);

/**
 * Verifies the images that `image` names: a reference, as `oci:DIR:TAG`. `options` is NULL or JSON with any of
 * `platform` (`"all"` or as `"linux/arm64"`), `unreferenced` (true: look for blobs that nothing names), `jobs`
 * (threads), `isPath` (true: `image` is the path of a layout or archive, taken as it is). What is wrong with the image
 * is in the report: it is no failure of the call.
 */
CASTLINE_API
castline_status castline_verify(const char *image,
                                const char *options,
                                const castline_cancel *cancel,
                                castline_on_progress on_progress,
                                void *context,
                                castline_verification **verification_out,
                                castline_error **error_out);

/**
 * What is there: images, platforms, layers, names, as JSON. Reads the documents and no layer. Arguments are those of
 * castline_verify().
 */
CASTLINE_API
castline_status castline_inspect(const char *image,
                                 const char *options,
                                 const castline_cancel *cancel,
                                 castline_on_progress on_progress,
                                 void *context,
                                 castline_bytes **inspection_out,
                                 castline_error **error_out);

/**
 * The files of the one image that `image` names, verified on the way. Arguments are those of castline_verify().
 */
CASTLINE_API
castline_status castline_tree(const char *image,
                              const char *options,
                              const castline_cancel *cancel,
                              castline_on_progress on_progress,
                              void *context,
                              castline_rootfs **rootfs_out,
                              castline_error **error_out);

/**
 * What was found. It outlives the verification.
 */
CASTLINE_API
castline_status castline_verification_report(const castline_verification *verification,
                                             castline_report **report_out,
                                             castline_error **error_out);

/**
 * How many images may run: those of which every byte was right; 0 for NULL.
 */
CASTLINE_API size_t castline_verification_image_count(const castline_verification *verification);

/**
 * One of the images that may run, from 0 on. It outlives the verification.
 */
CASTLINE_API
castline_status castline_verification_image(const castline_verification *verification,
                                            size_t index,
                                            castline_image **image_out,
                                            castline_error **error_out);

/**
 * Frees a verification. NULL is fine.
 */
CASTLINE_API void castline_verification_free(castline_verification *verification);

/**
 * The digest of an image's manifest, as a text.
 */
CASTLINE_API
castline_status castline_image_digest(const castline_image *image,
                                      castline_bytes **digest_out,
                                      castline_error **error_out);

/**
 * What an image is, in JSON: `digest`, `platform`, `identities`, `layers`.
 */
CASTLINE_API
castline_status castline_image_to_json(const castline_image *image,
                                       castline_bytes **json_out,
                                       castline_error **error_out);

/**
 * The bytes of an image's manifest.
 */
CASTLINE_API
castline_status castline_image_manifest(const castline_image *image,
                                        castline_bytes **manifest_out,
                                        castline_error **error_out);

/**
 * Frees an image. NULL is fine.
 */
CASTLINE_API void castline_image_free(castline_image *image);

/**
 * The version of the library, as `0.1.0`. Static: do not free it.
 */
CASTLINE_API const char *castline_version(void);

/**
 * The CASTLINE_ABI_VERSION that the library was built with. A program that was built with another one must not use it.
 */
CASTLINE_API
uint32_t castline_abi_version(void);

/**
 * A new flag.
 */
CASTLINE_API
castline_status castline_cancel_new(castline_cancel **cancel_out,
                                    castline_error **error_out);

/**
 * Asks all work that was given the flag to stop: it returns CASTLINE_CANCELLED soon. From any thread, and from
 * handlers of signals.
 */
CASTLINE_API
void castline_cancel_request(const castline_cancel *cancel);

/**
 * 1 if a stop was asked for, 0 if not.
 */
CASTLINE_API int castline_cancel_is_requested(const castline_cancel *cancel);

/**
 * Frees a flag. NULL is fine.
 */
CASTLINE_API void castline_cancel_free(castline_cancel *cancel);

#ifdef __cplusplus
}
#endif

#endif /* CASTLINE_H */
