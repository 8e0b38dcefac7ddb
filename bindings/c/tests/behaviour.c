/* What the vectors cannot say: how values, errors, work and processes behave in C: `behaviour VECTORS FOLDER [small]`. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static const char *vectors;
static char large[4200];

/* Only where castline is built for tests. */
castline_status castline_panic_for_tests(castline_error **error_out);

static castline_fleet *fleet_of(const char *json)
{
    castline_fleet *fleet;
    OK(castline_fleet_from_json(json, strlen(json), &fleet, &error));
    return fleet;
}

static castline_policy *policy_of(const char *json)
{
    castline_policy *policy;
    OK(castline_policy_from_json(json, strlen(json), &policy, &error));
    return policy;
}

static castline_release *release_of(const char *image)
{
    castline_release *release;
    text json = {NULL, 0};
    add(&json, "{\"provider\": \"aws\", \"id\": \"%s\", \"provenance\": {\"builder\": \"packer\"}}", image);
    OK(castline_release_of_provider_image("web", json.data, json.length, 3, &release, &error));
    forget(&json);
    return release;
}

/* Three instances and what is to become of them. */
static castline_target target_of(const char *policy)
{
    castline_target target;
    target.fleet = fleet_of("{\"service\": \"web\", \"instances\": [{\"id\": \"w0\", \"image\": \"ami-1\"}, "
                            "{\"id\": \"w1\", \"image\": \"ami-1\"}, {\"id\": \"w2\", \"image\": \"ami-1\"}]}");
    target.release = release_of("ami-2");
    target.policy = policy_of(policy);
    return target;
}

static void forget_target(castline_target *target)
{
    castline_fleet_free((castline_fleet *)target->fleet);
    castline_release_free((castline_release *)target->release);
    castline_policy_free((castline_policy *)target->policy);
}

#define ONE_DOWN "{\"budgets\": [{\"maxUnavailable\": 1, \"maxSurge\": 0}]}"

/* Takes the digest of anything that has one, as a text. */
#define DIGEST(kind, of)                               \
    static text kind##_digest(const castline_##kind *of) \
    {                                                  \
        castline_bytes *digest;                        \
        OK(castline_##kind##_digest(of, &digest, &error)); \
        return taken(digest);                          \
    }
DIGEST(fleet, fleet)
DIGEST(image, image)

static void errors_have_the_codes_of_every_language_and_say_what_is_wrong(void)
{
    castline_bytes *out = NULL;
    castline_policy *policy = NULL;
    castline_verification *verification = NULL;
    castline_error *error = NULL;
    CHECK(castline_digest_parse("sha256:x", 8, &out, &error) == CASTLINE_INVALID_DIGEST);
    CHECK(out == NULL && castline_error_status(error) == CASTLINE_INVALID_DIGEST);
    CHECK(strcmp(castline_error_code(error), "INVALID_DIGEST") == 0);
    CHECK(strstr(castline_error_message(error), "sha256:x") != NULL && castline_error_detail(error) == NULL);
    castline_error_free(error);
    CHECK(castline_policy_from_json("{\"budget\": []}", 14, &policy, &error) == CASTLINE_INVALID_DOCUMENT && policy == NULL);
    CHECK(strstr(castline_error_message(error), "line 1 column") != NULL);
    castline_error_free(error);
    CHECK(castline_policy_from_json("{\"budgets\": [[0, 1]]}", 21, &policy, &error) == CASTLINE_INVALID_DOCUMENT);
    CHECK(strstr(castline_error_message(error), "budgets[0]: invalid type") != NULL && policy == NULL);
    castline_error_free(error);
    CHECK(castline_verify("oci:/nowhere/at/all", NULL, NULL, NULL, NULL, &verification, &error) == CASTLINE_IO);
    CHECK(strstr(castline_error_message(error), "nowhere") != NULL && verification == NULL);
    castline_error_free(error);
    CHECK(castline_verify("oci:x", "{\"job\": 1}", NULL, NULL, NULL, &verification, &error) == CASTLINE_INVALID_DOCUMENT);
    castline_error_free(error);
    CHECK(castline_verify("oci:x", "{\"jobs\": 0}", NULL, NULL, NULL, &verification, NULL) == CASTLINE_OUT_OF_RANGE);
    CHECK(strcmp(castline_status_name(CASTLINE_STALE_PLAN), "STALE_PLAN") == 0);
    CHECK(strcmp(castline_status_name(CASTLINE_OK), "OK") == 0 && strcmp(castline_status_name(99), "UNKNOWN") == 0);
}

static void every_code_is_there(void)
{
    static const char *const kinds[] = {"error", "finding", "drift", "infeasible", "violation", "ledger"};
    castline_bytes *codes;
    json *read;
    size_t index;
    uint32_t status;
    OK(castline_codes(&codes, &error));
    read = json_read(castline_bytes_data(codes), castline_bytes_length(codes));
    for (index = 0; index < 6; index++)
        CHECK(json_member(read, kinds[index])->first->next != NULL);
    const json *code = json_member(read, "error")->first;
    for (; code != NULL; code = code->next) {
        for (status = 1; status < 100 && strcmp(castline_status_name(status), code->text) != 0; status++)
            ;
        CHECK(status < 100);
    }
    json_free(read);
    castline_bytes_free(codes);
}

static void what_cannot_be_planned_says_why(void)
{
    castline_target target = target_of("{\"budgets\": [{\"maxUnavailable\": 0, \"maxSurge\": 0}]}");
    castline_plan *plan = NULL;
    castline_error *error = NULL;
    CHECK(castline_plan_of(&target, 1, &plan, &error) == CASTLINE_INFEASIBLE && plan == NULL);
    CHECK(strcmp(castline_error_code(error), "budgets-in-conflict") == 0);
    CHECK(strstr(castline_error_detail(error), "\"conflict\"") != NULL);
    castline_error_free(error);
    forget_target(&target);
}

static void a_plan_that_was_changed_is_found_out(void)
{
    castline_target target = target_of(ONE_DOWN);
    castline_plan *plan, *changed;
    castline_bytes *json, *proof = NULL;
    castline_error *error = NULL;
    char *floor;
    OK(castline_plan_of(&target, 1, &plan, &error));
    OK(castline_plan_check(plan, &target, 1, &proof, &error));
    castline_bytes_free(proof);
    proof = NULL;
    OK(castline_plan_to_canonical(plan, &json, &error));
    text written = taken(json);
    floor = strstr(written.data, "\"floor\":2");
    CHECK(floor != NULL);
    floor[8] = '0';
    OK(castline_plan_from_json(written.data, written.length, &changed, &error));
    CHECK(!castline_plan_equals(plan, changed));
    CHECK(castline_plan_check(changed, &target, 1, &proof, &error) == CASTLINE_VIOLATION && proof == NULL);
    CHECK(strcmp(castline_error_code(error), "limit-too-lax") == 0 && castline_error_detail(error) != NULL);
    castline_error_free(error);
    forget(&written);
    castline_plan_free(plan);
    castline_plan_free(changed);
    forget_target(&target);
}

static void a_plan_is_proved_explored_simulated_and_shown(void)
{
    castline_target target = target_of(ONE_DOWN);
    const castline_release *back = release_of("ami-1");
    const char *world = "{}";
    castline_plan *plan;
    castline_bytes *out;
    OK(castline_plan_of(&target, 1, &plan, &error));
    CHECK(castline_plan_wave_count(plan) == 3 && !castline_plan_is_empty(plan));
    OK(castline_plan_explore(plan, &target, 1, &back, 1, 10000, 1, &out, &error));
    CHECK(castline_bytes_length(out) > 2);
    castline_bytes_free(out);
    OK(castline_plan_bounds(plan, &target, 1, world, strlen(world), &out, &error));
    CHECK(strstr(castline_bytes_data(out), "\"waves\":3") != NULL);
    castline_bytes_free(out);
    OK(castline_plan_replacements(plan, &out, &error));
    CHECK(castline_bytes_data(out)[0] == '[' && strstr(castline_bytes_data(out), "w2") != NULL);
    castline_bytes_free(out);
    OK(castline_plan_simulate(plan, &target, 1, &back, 1, NULL, 0, "2026-01-01T00:00:00Z", &out, &error));
    text timeline = taken(out);
    CHECK(strstr(timeline.data, "succeeded") != NULL);
    OK(castline_plan_to_text(plan, timeline.data, timeline.length, 100, &out, &error));
    CHECK(strstr(castline_bytes_data(out), "web") != NULL);
    castline_bytes_free(out);
    OK(castline_plan_to_svg(plan, NULL, 0, &out, &error));
    CHECK(strncmp(castline_bytes_data(out), "<svg", 4) == 0);
    castline_bytes_free(out);
    OK(castline_plan_to_html(plan, timeline.data, timeline.length, &out, &error));
    CHECK(strncmp(castline_bytes_data(out), "<!doctype html>", 15) == 0);
    castline_bytes_free(out);
    forget(&timeline);
    castline_plan_free(plan);
    castline_release_free((castline_release *)back);
    forget_target(&target);
}

static void a_fleet_of_structures_is_the_fleet_of_its_json(void)
{
    castline_label labels[] = {{"rack", "r1"}, {"role", "db"}}, twice[] = {{"a", "1"}, {"a", "2"}};
    castline_instance instances[2];
    struct newer { castline_instance known; uint64_t more; } newer[2];
    castline_fleet *fleet, *other, *none = NULL;
    castline_error *error = NULL;
    memset(instances, 0, sizeof instances);
    instances[0].id = "b";
    instances[0].image = "ami-1";
    instances[0].zone = "z1";
    instances[0].slot = "s";
    instances[0].labels = labels;
    instances[0].label_count = 2;
    instances[0].created_at = 1767225600000;
    instances[0].ready_at = 1767225601500;
    instances[0].phase = CASTLINE_PHASE_TERMINATING;
    instances[0].health = CASTLINE_HEALTH_NOT_READY;
    instances[0].integrity = CASTLINE_INTEGRITY_COMPROMISED;
    instances[0].deletion_cost = -3;
    instances[1].id = "a";
    OK(castline_fleet_of("web", instances, 2, sizeof *instances, &fleet, &error));
    other = fleet_of("{\"service\": \"web\", \"instances\": [{\"id\": \"a\"}, {\"id\": \"b\", \"image\": \"ami-1\", \"zone\": \"z1\", "
                     "\"slot\": \"s\", \"labels\": {\"role\": \"db\", \"rack\": \"r1\"}, \"createdAt\": \"2026-01-01T00:00:00Z\", "
                     "\"readyAt\": \"2026-01-01T00:00:01.5Z\", \"phase\": \"terminating\", \"health\": \"notReady\", "
                     "\"integrity\": \"compromised\", \"deletionCost\": -3}]}");
    text one = fleet_digest(fleet), same = fleet_digest(other);
    CHECK(castline_fleet_equals(fleet, other) && strcmp(one.data, same.data) == 0);
    CHECK(castline_fleet_instance_count(fleet) == 2);
    forget(&one);
    forget(&same);
    castline_fleet_free(fleet);
    /* A program that was built with a larger structure, or a smaller one. */
    memset(newer, 0xff, sizeof newer);
    newer[0].known = instances[0];
    newer[1].known = instances[1];
    OK(castline_fleet_of("web", &newer->known, 2, sizeof *newer, &fleet, &error));
    CHECK(castline_fleet_equals(fleet, other));
    castline_fleet_free(fleet);
    OK(castline_fleet_of("web", (const castline_instance *)(const void *)&instances[0].id, 1, sizeof(char *), &fleet, &error));
    CHECK(castline_fleet_instance_count(fleet) == 1 && !castline_fleet_equals(fleet, other));
    castline_fleet_free(fleet);
    castline_fleet_free(other);
    CHECK(castline_fleet_of("web", instances, 2, 3, &none, NULL) == CASTLINE_OUT_OF_RANGE);
    instances[1].phase = 9;
    CHECK(castline_fleet_of("web", instances, 2, sizeof *instances, &none, NULL) == CASTLINE_OUT_OF_RANGE);
    instances[1].phase = 0;
    instances[1].labels = twice;
    instances[1].label_count = 2;
    CHECK(castline_fleet_of("web", instances, 2, sizeof *instances, &none, &error) == CASTLINE_INVALID_DOCUMENT);
    CHECK(strstr(castline_error_message(error), "`a` stands twice") != NULL);
    castline_error_free(error);
    instances[1].labels = NULL;
    CHECK(castline_fleet_of("web", instances, 2, sizeof *instances, &none, NULL) == CASTLINE_NULL_ARGUMENT);
    instances[1].label_count = 0;
    instances[1].revision = "nothing";
    CHECK(castline_fleet_of("web", instances, 2, sizeof *instances, &none, NULL) == CASTLINE_INVALID_DIGEST);
    instances[1].revision = NULL;
    instances[1].id = "b";
    CHECK(castline_fleet_of("web", instances, 2, sizeof *instances, &none, NULL) == CASTLINE_INVALID_DOCUMENT && none == NULL);
    instances[1].id = "";
    CHECK(castline_fleet_of("web", instances, 2, sizeof *instances, &none, &error) == CASTLINE_INVALID_DOCUMENT && none == NULL);
    CHECK(strstr(castline_error_message(error), "an instance has no id") != NULL);
    castline_error_free(error);
    instances[1].id = "a";
    instances[1].created_at = INT64_MAX;
    CHECK(castline_fleet_of("web", instances, 2, sizeof *instances, &none, NULL) == CASTLINE_INVALID_TIME && none == NULL);
}

static void moments_are_of_the_years_0_to_9999(void)
{
    static const char last[] = "9999-12-31T23:59:59.999Z";
    int64_t millis = 0;
    castline_bytes *out = NULL;
    castline_error *error = NULL;
    OK(castline_time_parse(last, strlen(last), &millis, &error));
    OK(castline_time_format(millis, &out, &error));
    CHECK(strcmp((const char *)castline_bytes_data(out), last) == 0);
    castline_bytes_free(out);
    out = NULL;
    CHECK(castline_time_format(millis + 1, &out, &error) == CASTLINE_INVALID_TIME && out == NULL);
    CHECK(strstr(castline_error_message(error), "253402300800000") != NULL);
    castline_error_free(error);
    CHECK(castline_time_format(INT64_MIN, &out, NULL) == CASTLINE_INVALID_TIME && out == NULL);
    CHECK(castline_window_at("0 2 * * *", 60, "UTC", INT64_MAX, &out, NULL) == CASTLINE_INVALID_TIME && out == NULL);
}

static void handles_that_were_freed_or_are_of_another_kind_are_told(void)
{
    castline_fleet *fleet = fleet_of("{\"service\": \"web\", \"instances\": []}");
    castline_policy *other = (castline_policy *)(void *)fleet;
    castline_bytes *out = NULL;
    castline_error *error = NULL;
    CHECK(castline_policy_to_json(other, &out, &error) == CASTLINE_WRONG_HANDLE && out == NULL);
    CHECK(strstr(castline_error_message(error), "castline_policy") != NULL);
    castline_error_free(error);
    CHECK(castline_error_status(error) == CASTLINE_WRONG_HANDLE && *castline_error_message(error) == '\0');
    CHECK(castline_error_status(NULL) == CASTLINE_NULL_ARGUMENT);
    castline_policy_free(other);
    CHECK(castline_fleet_instance_count(fleet) == 0 && castline_fleet_equals(fleet, fleet));
    castline_fleet_free(fleet);
    CHECK(castline_fleet_to_json(fleet, &out, NULL) == CASTLINE_WRONG_HANDLE && !castline_fleet_equals(fleet, fleet));
    castline_fleet_free(fleet);
    castline_fleet_free(NULL);
    CHECK(castline_rollout_has_ended(NULL));
}

static void huge_and_odd_input_is_refused(void)
{
    castline_bytes *out = NULL;
    castline_fleet *fleet = NULL;
    castline_policy *policy = NULL;
    castline_plan *plan = NULL;
    castline_target target;
    char *deep = (char *)malloc(100000);
    const char *number = "{\"budgets\": [{\"maxUnavailable\": 1000000000000000000000000000000}]}";
    memset(deep, '[', 100000);
    memset(&target, 0, sizeof target);
    CHECK(castline_fleet_from_json(deep, 100000, &fleet, NULL) == CASTLINE_INVALID_DOCUMENT);
    CHECK(castline_policy_from_json(number, strlen(number), &policy, NULL) == CASTLINE_INVALID_DOCUMENT);
    CHECK(castline_fleet_from_json(deep, (size_t)-1, &fleet, NULL) == CASTLINE_OUT_OF_RANGE);
    CHECK(castline_plan_of(&target, (size_t)-1, &plan, NULL) == CASTLINE_OUT_OF_RANGE);
    CHECK(castline_plan_of(&target, 1, &plan, NULL) == CASTLINE_NULL_ARGUMENT);
    CHECK(castline_digest_parse("\xff", 1, &out, NULL) == CASTLINE_INVALID_TEXT);
    CHECK(castline_digest_parse(NULL, 1, &out, NULL) == CASTLINE_NULL_ARGUMENT);
    CHECK(castline_digest_parse(NULL, 0, &out, NULL) == CASTLINE_INVALID_DIGEST);
    CHECK(castline_digest_parse("sha256:\0", 8, &out, NULL) == CASTLINE_INVALID_DIGEST);
    CHECK(castline_digest_of(NULL, 0, &out, NULL) == CASTLINE_OK);
    CHECK(strcmp(castline_bytes_data(out), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
    castline_bytes_free(out);
    free(deep);
}

static void a_panic_is_a_status(void)
{
    castline_error *error = NULL;
    CHECK(castline_panic_for_tests(&error) == CASTLINE_INTERNAL);
    CHECK(strstr(castline_error_message(error), "as it was asked to") != NULL);
    castline_error_free(error);
    CHECK(castline_panic_for_tests(NULL) == CASTLINE_INTERNAL);
}

/* ---- images ---- */

static int stop_at_once(const castline_progress *progress, void *context)
{
    CHECK(progress->bytes <= progress->total_bytes);
    ++*(int *)context;
    return 1;
}

typedef struct seen {
    pthread_t thread;
    castline_progress last;
    castline_cancel *cancel;
    unsigned long calls;
} seen;

static int look(const castline_progress *progress, void *context)
{
    seen *so_far = (seen *)context;
    CHECK(pthread_equal(pthread_self(), so_far->thread));
    CHECK(progress->bytes >= so_far->last.bytes && progress->blobs >= so_far->last.blobs);
    so_far->last = *progress;
    so_far->calls++;
    return 0;
}

static int cancel_meanwhile(const castline_progress *progress, void *context)
{
    (void)progress;
    castline_cancel_request(((seen *)context)->cancel);
    return 0;
}

static void *request_soon(void *cancel)
{
    usleep(5000);
    castline_cancel_request((castline_cancel *)cancel);
    return NULL;
}

static void work_is_stopped_before_and_on_the_way(void)
{
    castline_verification *verification = NULL;
    castline_scan *scan = NULL;
    castline_cancel *cancel;
    castline_error *error = NULL;
    castline_status status;
    pthread_t thread;
    seen so_far;
    int calls = 0;
    CHECK(castline_verify(large, "{\"jobs\": 1}", NULL, stop_at_once, &calls, &verification, &error) == CASTLINE_CANCELLED);
    CHECK(calls == 1 && verification == NULL && strcmp(castline_error_code(error), "CANCELLED") == 0);
    castline_error_free(error);
    OK(castline_cancel_new(&cancel, &error));
    CHECK(!castline_cancel_is_requested(cancel));
    pthread_create(&thread, NULL, request_soon, cancel);
    /* A fast machine does it several times before. */
    while ((status = castline_verify(large, "{\"jobs\": 1}", cancel, NULL, NULL, &verification, NULL)) == CASTLINE_OK) {
        castline_verification_free(verification);
        verification = NULL;
    }
    CHECK(status == CASTLINE_CANCELLED);
    pthread_join(thread, NULL);
    CHECK(castline_cancel_is_requested(cancel) && verification == NULL);
    CHECK(castline_verify(large, NULL, cancel, NULL, NULL, &verification, NULL) == CASTLINE_CANCELLED);
    CHECK(castline_scan_folder(vectors, cancel, NULL, NULL, &scan, NULL) == CASTLINE_CANCELLED);
    castline_cancel_free(cancel);
    memset(&so_far, 0, sizeof so_far);
    OK(castline_cancel_new(&so_far.cancel, &error));
    CHECK(castline_verify(large, "{\"jobs\": 1}", so_far.cancel, cancel_meanwhile, &so_far, &verification, NULL)
          == CASTLINE_CANCELLED);
    castline_cancel_free(so_far.cancel);
    CHECK(castline_verify(large, NULL, so_far.cancel, NULL, NULL, &verification, NULL) == CASTLINE_WRONG_HANDLE);
}

static void progress_goes_up_to_the_end_on_the_callers_thread(void)
{
    castline_verification *verification;
    castline_report *report;
    seen so_far;
    memset(&so_far, 0, sizeof so_far);
    so_far.thread = pthread_self();
    OK(castline_verify(large, NULL, NULL, look, &so_far, &verification, &error));
    OK(castline_verification_report(verification, &report, &error));
    CHECK(castline_report_is_complete(report) && castline_report_finding_count(report) == 0);
    CHECK(so_far.calls >= 1 && so_far.last.bytes == so_far.last.total_bytes && so_far.last.blobs == so_far.last.total_blobs);
    castline_verification_free(verification);
    castline_report_free(report);
}

static void a_verified_image_becomes_a_release(void)
{
    castline_verification *verification;
    castline_image *image, *none = NULL;
    castline_release *release, *more, *same;
    castline_bytes *manifest, *json, *digest;
    castline_finding finding;
    castline_report *report;
    castline_rootfs *rootfs;
    OK(castline_verify(large, "{\"platform\": \"all\", \"unreferenced\": true}", NULL, NULL, NULL, &verification, &error));
    CHECK(castline_verification_image_count(verification) == 1);
    OK(castline_verification_image(verification, 0, &image, &error));
    CHECK(castline_verification_image(verification, 1, &none, NULL) == CASTLINE_OUT_OF_RANGE && none == NULL);
    OK(castline_verification_report(verification, &report, &error));
    castline_verification_free(verification);
    CHECK(castline_report_finding(report, 0, &finding, NULL) == CASTLINE_OUT_OF_RANGE);
    OK(castline_report_to_json(report, &json, &error));
    CHECK(strstr(castline_bytes_data(json), "\"intact\":true") != NULL);
    castline_bytes_free(json);
    castline_report_free(report);
    OK(castline_image_manifest(image, &manifest, &error));
    OK(castline_digest_of(castline_bytes_data(manifest), castline_bytes_length(manifest), &digest, &error));
    text of = image_digest(image);
    CHECK(strcmp(of.data, castline_bytes_data(digest)) == 0);
    OK(castline_image_to_json(image, &json, &error));
    CHECK(strstr(castline_bytes_data(json), of.data) != NULL && strstr(castline_bytes_data(json), "linux/amd64") != NULL);
    OK(castline_release_of("web", image, 3, &release, &error));
    castline_image_free(image);
    OK(castline_release_with_replicas(release, 5, &more, &error));
    OK(castline_release_with_replicas(more, 3, &same, &error));
    CHECK(castline_release_equals(release, same) && !castline_release_equals(release, more));
    OK(castline_tree(large, NULL, NULL, NULL, NULL, &rootfs, &error));
    CHECK(castline_rootfs_entry_count(rootfs) <= 1);
    castline_rootfs_free(rootfs);
    forget(&of);
    castline_bytes_free(manifest);
    castline_bytes_free(digest);
    castline_bytes_free(json);
    castline_release_free(release);
    castline_release_free(more);
    castline_release_free(same);
}

static void a_path_is_taken_as_it_is(const char *folder)
{
    char path[4096];
    castline_bytes *inspection;
    castline_verification *verification = NULL;
    snprintf(path, sizeof path, "%s/a:b@c", folder);
    CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
    write_layout(path, 1024);
    OK(castline_inspect(path, "{\"isPath\": true}", NULL, NULL, NULL, &inspection, &error));
    CHECK(strstr(castline_bytes_data(inspection), "sha256:") != NULL);
    castline_bytes_free(inspection);
    CHECK(castline_verify("\xff", "{\"isPath\": true}", NULL, NULL, NULL, &verification, NULL) == CASTLINE_INVALID_REFERENCE);
    CHECK(castline_verify("oci:\xff", NULL, NULL, NULL, NULL, &verification, NULL) == CASTLINE_INVALID_TEXT);
}

static void a_folder_is_scanned_and_compared(const char *folder)
{
    char path[4096];
    castline_scan *scan;
    castline_rootfs *before, *after;
    castline_bytes *out, *report = NULL;
    castline_error *error = NULL;
    int is_drifted = -1;
    snprintf(path, sizeof path, "%s/root-\xff", folder);
    CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
    write_file(path, "kept", "1", 1);
    OK(castline_scan_folder(path, NULL, NULL, NULL, &scan, &error));
    OK(castline_scan_rootfs(scan, &before, &error));
    OK(castline_compare(before, scan, NULL, &is_drifted, &report, &error));
    CHECK(is_drifted == 0);
    castline_bytes_free(report);
    castline_scan_free(scan);
    OK(castline_rootfs_to_mtree(before, &out, &error));
    CHECK(strstr(castline_bytes_data(out), "kept") != NULL);
    castline_bytes_free(out);
    write_file(path, "kept", "2", 1);
    OK(castline_scan_folder(path, NULL, NULL, NULL, &scan, &error));
    OK(castline_scan_rootfs(scan, &after, &error));
    CHECK(!castline_rootfs_equals(before, after));
    OK(castline_compare(before, scan, "{\"profile\": \"none\"}", &is_drifted, &report, &error));
    CHECK(is_drifted == 1 && strstr(castline_bytes_data(report), "\"modified\"") != NULL);
    castline_bytes_free(report);
    report = NULL;
    is_drifted = -1;
    CHECK(castline_compare(before, scan, "{\"profile\": \"nobody\"}", &is_drifted, &report, &error) == CASTLINE_OUT_OF_RANGE);
    CHECK(report == NULL && is_drifted == -1 && strstr(castline_error_message(error), "docker, podman") != NULL);
    castline_error_free(error);
    CHECK(castline_compare(before, scan, "{\"ignore\": [\"[\"]}", NULL, &report, NULL) == CASTLINE_INVALID_GLOB);
    castline_scan_free(scan);
    castline_rootfs_free(before);
    castline_rootfs_free(after);
}

/* ---- rollouts and ledgers ---- */

static void on(castline_rollout *rollout, text *journal, size_t *events, const char *format, ...)
{
    char event[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event, sizeof event, format, arguments);
    va_end(arguments);
    CHECK(*events < 64);
    add_raw(&journal[(*events)++], event, strlen(event));
    OK(castline_rollout_on(rollout, event, strlen(event), &error));
}

static void a_rollout_is_the_same_from_its_journal(void)
{
    castline_target target = target_of(ONE_DOWN), after;
    castline_plan *plan, *rest, *executed;
    castline_rollout *run, *again, *copy;
    castline_fleet *fleet, *none;
    castline_bytes *out;
    castline_error *error = NULL;
    text journal[64];
    size_t events = 0, index;
    int second;
    memset(journal, 0, sizeof journal);
    OK(castline_plan_of(&target, 1, &plan, &error));
    OK(castline_rollout_start(plan, &target, 1, NULL, 0, "1970-01-01T00:00:00Z", &run, &error));
    OK(castline_rollout_start(plan, &target, 1, NULL, 0, "1970-01-01T00:00:00Z", &again, &error));
    CHECK(castline_rollout_equals(run, again));
    for (second = 0; !castline_rollout_has_ended(run) && second < 50; second++) {
        OK(castline_rollout_next(run, &out, &error));
        json *next = json_read(castline_bytes_data(out), castline_bytes_length(out));
        const json *action = json_member(next, "actions")->first;
        if (strcmp(json_text(action, "type", ""), "launch") == 0) {
            const json *key = json_member(action, "key");
            on(run, journal, &events, "{\"at\": \"1970-01-01T00:00:%02dZ\", \"type\": \"launched\", \"key\": %.*s, \"instance\": \"n%d\"}",
               second, (int)key->raw_length, key->raw, second);
            on(run, journal, &events, "{\"at\": \"1970-01-01T00:00:%02dZ\", \"type\": \"ready\", \"instance\": \"n%d\"}", second, second);
        } else {
            on(run, journal, &events, "{\"at\": \"1970-01-01T00:00:%02dZ\", \"type\": \"gone\", \"instance\": \"%s\"}", second,
               json_text(action, "instance", ""));
        }
        json_free(next);
        castline_bytes_free(out);
    }
    OK(castline_rollout_status(run, &out, &error));
    CHECK(strcmp(castline_bytes_data(out), "{\"status\":\"succeeded\"}") == 0);
    castline_bytes_free(out);
    CHECK(!castline_rollout_equals(run, again));
    for (index = 0; index < events; index++) {
        OK(castline_rollout_on(again, journal[index].data, journal[index].length, &error));
        forget(&journal[index]);
    }
    OK(castline_rollout_copy(run, &copy, &error));
    CHECK(castline_rollout_equals(run, again) && castline_rollout_equals(run, copy));
    OK(castline_rollout_clock(run, &out, &error));
    CHECK(strncmp(castline_bytes_data(out), "1970-01-01T00:00:", 17) == 0);
    castline_bytes_free(out);
    OK(castline_rollout_progress(run, &out, &error));
    castline_bytes_free(out);
    OK(castline_rollout_waits(run, &out, &error));
    castline_bytes_free(out);
    OK(castline_rollout_plan(run, &executed, &error));
    CHECK(castline_plan_equals(plan, executed));
    OK(castline_rollout_fleet(run, "web", &fleet, &error));
    OK(castline_rollout_fleet(run, "other", &none, &error));
    CHECK(none == NULL && castline_fleet_instance_count(fleet) == 3);
    after = target;
    after.fleet = fleet;
    OK(castline_plan_of(&after, 1, &rest, &error));
    CHECK(castline_plan_is_empty(rest));
    CHECK(castline_rollout_on(run, "{\"type\": \"nothing\"}", 19, &error) == CASTLINE_INVALID_DOCUMENT);
    CHECK(strstr(castline_error_message(error), "event") != NULL);
    castline_error_free(error);
    castline_fleet_free(fleet);
    castline_plan_free(plan);
    castline_plan_free(rest);
    castline_plan_free(executed);
    castline_rollout_free(run);
    castline_rollout_free(again);
    castline_rollout_free(copy);
    forget_target(&target);
}

static void a_ledger_is_a_chain(void)
{
    const char *note = "{\"kind\": \"note\", \"text\": \"hello\"}";
    castline_ledger *empty, *one, *two, *read = NULL;
    castline_bytes *head, *out;
    castline_error *error = NULL;
    OK(castline_ledger_new(&empty, &error));
    OK(castline_ledger_head(empty, &head, &error));
    CHECK(head == NULL && castline_ledger_entry_count(empty) == 0);
    OK(castline_ledger_append(empty, "2026-01-01T00:00:00Z", "ann", note, strlen(note), &one, &error));
    OK(castline_ledger_append(one, "2026-01-01T00:00:01Z", "bob", note, strlen(note), &two, &error));
    CHECK(castline_ledger_entry_count(one) == 1 && castline_ledger_entry_count(two) == 2);
    OK(castline_ledger_to_lines(two, &out, &error));
    text lines = taken(out);
    OK(castline_ledger_head(two, &head, &error));
    OK(castline_ledger_from_lines(lines.data, lines.length, castline_bytes_data(head), NULL, &read, &error));
    castline_ledger_free(read);
    read = NULL;
    OK(castline_ledger_head(one, &out, &error));
    CHECK(castline_ledger_from_lines(lines.data, lines.length, castline_bytes_data(out), NULL, &read, NULL)
          == CASTLINE_BROKEN_CHAIN);
    OK(castline_ledger_from_lines(lines.data, lines.length, NULL, castline_bytes_data(out), &read, &error));
    castline_bytes_free(out);
    castline_ledger_free(read);
    read = NULL;
    OK(castline_ledger_entries(two, &out, &error));
    CHECK(strstr(castline_bytes_data(out), "\"bob\"") != NULL);
    castline_bytes_free(out);
    OK(castline_ledger_images_needed(two, 3, &out, &error));
    CHECK(strstr(castline_bytes_data(out), "\"digests\":[]") != NULL);
    castline_bytes_free(out);
    *strstr(lines.data, "ann") = 'A';
    CHECK(castline_ledger_from_lines(lines.data, lines.length, NULL, NULL, &read, &error) == CASTLINE_BROKEN_CHAIN);
    CHECK(read == NULL && strstr(castline_error_detail(error), "\"position\"") != NULL);
    castline_error_free(error);
    castline_bytes_free(head);
    forget(&lines);
    castline_ledger_free(empty);
    castline_ledger_free(one);
    castline_ledger_free(two);
}

static void others_documents_are_imported(void)
{
    const char *manifest = "{\"builds\": [{\"name\": \"base\", \"builder_type\": \"amazon-ebs\", \"artifact_id\": "
                           "\"eu-central-1:ami-0123456789abcdef0\", \"packer_run_uuid\": \"r1\", \"build_time\": 1}], \"last_run_uuid\": \"r1\"}";
    const char *pods = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}";
    castline_slice documents[1];
    castline_bytes *out = NULL;
    documents[0].data = pods;
    documents[0].length = strlen(pods);
    OK(castline_import_packer(manifest, strlen(manifest), "{\"region\": \"eu-central-1\"}", &out, &error));
    CHECK(strstr(castline_bytes_data(out), "ami-0123456789abcdef0") != NULL);
    castline_release *release;
    OK(castline_release_of_provider_image("web", castline_bytes_data(out), castline_bytes_length(out), 1, &release, &error));
    castline_release_free(release);
    castline_bytes_free(out);
    OK(castline_import_kubernetes(documents, 1, "{\"namespace\": \"default\"}", &out, &error));
    castline_bytes_free(out);
    out = NULL;
    documents[0].data = "[";
    documents[0].length = 1;
    CHECK(castline_import_docker(documents, 1, NULL, &out, NULL) == CASTLINE_INVALID_DOCUMENT);
    CHECK(castline_import_aws(documents, 1, &out, NULL) == CASTLINE_INVALID_DOCUMENT);
    CHECK(castline_import_kubernetes(NULL, 1, NULL, &out, NULL) == CASTLINE_NULL_ARGUMENT && out == NULL);
}

/* ---- processes and threads ---- */

static void verify_here(void)
{
    castline_verification *verification;
    int calls = 0;
    seen so_far;
    memset(&so_far, 0, sizeof so_far);
    so_far.thread = pthread_self();
    OK(castline_verify(large, NULL, NULL, look, &so_far, &verification, &error));
    castline_verification_free(verification);
    OK(castline_verify(large, NULL, NULL, NULL, NULL, &verification, &error));
    CHECK(castline_verification_image_count(verification) == 1 && calls == 0);
    castline_verification_free(verification);
}

static void *verify_there(void *unused)
{
    (void)unused;
    verify_here();
    return NULL;
}

/*
 * In a child, which is ended if it hangs. It tells that it is done, and ends itself at once: what another thread of the parent was
 * in the middle of is lost in a child, which valgrind would count as leaks.
 */
static void child_does(void (*work)(void))
{
    int ends[2], status;
    char done = 0;
    pid_t child;
    CHECK(pipe(ends) == 0 && (child = fork()) >= 0);
    if (child == 0) {
        alarm(120);
        work();
        CHECK(write(ends[1], "1", 1) == 1);
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    CHECK(read(ends[0], &done, 1) == 1 && done == '1');
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ends[0]);
}

static void a_forked_child_can_go_on(void)
{
    pthread_t thread;
    verify_here();
    child_does(verify_here);
    pthread_create(&thread, NULL, verify_there, NULL);
    usleep(2000);
#if !defined(__SANITIZE_ADDRESS__)
    /*
     * While another thread of the parent works. Not with AddressSanitizer: its allocator (of GCC 12) does not take its own locks at a
     * fork, as glibc's does, so that one which another thread holds is held in the child for ever.
     */
    child_does(verify_here);
#endif
    pthread_join(thread, NULL);
    verify_here();
}

typedef struct shared {
    const castline_plan *plan;
    const castline_target *target;
} shared;

static void *use(void *context)
{
    const shared *both = (const shared *)context;
    int times;
    for (times = 0; times < 200; times++) {
        castline_bytes *out;
        OK(castline_plan_digest(both->plan, &out, &error));
        castline_bytes_free(out);
        OK(castline_plan_check(both->plan, both->target, 1, &out, &error));
        castline_bytes_free(out);
    }
    return NULL;
}

static void values_are_shared_by_threads(void)
{
    castline_target target = target_of(ONE_DOWN);
    castline_plan *plan;
    shared both;
    pthread_t threads[4];
    int index;
    OK(castline_plan_of(&target, 1, &plan, &error));
    both.plan = plan;
    both.target = &target;
    for (index = 0; index < 4; index++)
        pthread_create(&threads[index], NULL, use, &both);
    for (index = 0; index < 4; index++)
        pthread_join(threads[index], NULL);
    castline_plan_free(plan);
    forget_target(&target);
}

int main(int count, char **arguments)
{
    char image[4096];
    CHECK(count > 2 && castline_abi_version() == CASTLINE_ABI_VERSION);
    vectors = arguments[1];
    snprintf(image, sizeof image, "%s/large", arguments[2]);
    CHECK(mkdir(image, 0755) == 0 || errno == EEXIST);
    snprintf(large, sizeof large, "oci:%s", image);
    /* Under valgrind a smaller one is large enough. */
    write_layout(image, count > 3 ? (size_t)4 << 20 : (size_t)256 << 20);
    errors_have_the_codes_of_every_language_and_say_what_is_wrong();
    every_code_is_there();
    what_cannot_be_planned_says_why();
    a_plan_that_was_changed_is_found_out();
    a_plan_is_proved_explored_simulated_and_shown();
    a_fleet_of_structures_is_the_fleet_of_its_json();
    moments_are_of_the_years_0_to_9999();
    handles_that_were_freed_or_are_of_another_kind_are_told();
    huge_and_odd_input_is_refused();
    a_panic_is_a_status();
    work_is_stopped_before_and_on_the_way();
    progress_goes_up_to_the_end_on_the_callers_thread();
    a_verified_image_becomes_a_release();
    a_path_is_taken_as_it_is(arguments[2]);
    a_folder_is_scanned_and_compared(arguments[2]);
    a_rollout_is_the_same_from_its_journal();
    a_ledger_is_a_chain();
    others_documents_are_imported();
    a_forked_child_can_go_on();
    values_are_shared_by_threads();
    puts("behaviour: all of it holds");
    return 0;
}
