/* The worker in C: does what `compare.py` asks of it, line by line, and says how long it took.
 *   cc -O2 worker.c $(pkg-config --cflags --libs castline) -o worker */
#define _POSIX_C_SOURCE 200809L
#include <castline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INSTANCES = 10000 };

static const char PROVIDER[] = "{\"provider\":\"aws\",\"id\":\"ami-2\",\"provenance\":{\"builder\":\"packer\"}}";
static const char POLICY[] = "{\"budgets\":[{\"maxUnavailable\":\"10% down\",\"maxSurge\":\"10% up\"},"
                             "{\"scope\":\"zone\",\"maxUnavailable\":\"25% down\",\"maxSurge\":\"25% up\"}]}";

static void must(castline_status status, castline_error *error)
{
    if (status != CASTLINE_OK) {
        fprintf(stderr, "%s\n", castline_error_message(error));
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void verify(const char *image)
{
    castline_error *error = NULL;
    castline_verification *verification;
    castline_report *report;
    must(castline_verify(image, NULL, NULL, NULL, NULL, &verification, &error), error);
    must(castline_verification_report(verification, &report, &error), error);
    if (!castline_report_is_complete(report)) {
        fprintf(stderr, "the image is not intact\n");
        exit(1);
    }
    castline_report_free(report);
    castline_verification_free(verification);
}

static castline_instance instances[INSTANCES];
static char ids[INSTANCES][16];

static void make(void)
{
    static const char *const zones[] = {"a", "b", "c"};
    size_t number;
    memset(instances, 0, sizeof instances);
    for (number = 0; number < INSTANCES; number++) {
        snprintf(ids[number], sizeof ids[number], "i-%08lx", (unsigned long)number);
        instances[number].id = ids[number];
        instances[number].image = "ami-1";
        instances[number].zone = zones[number % 3];
    }
}

static void plan(void)
{
    castline_error *error = NULL;
    castline_fleet *fleet;
    castline_release *release;
    castline_policy *policy;
    castline_plan *made;
    castline_target target;
    memset(&target, 0, sizeof target);
    must(castline_fleet_of("web", instances, INSTANCES, sizeof *instances, &fleet, &error), error);
    must(castline_release_of_provider_image("web", PROVIDER, strlen(PROVIDER), INSTANCES, &release, &error), error);
    must(castline_policy_from_json(POLICY, strlen(POLICY), &policy, &error), error);
    target.fleet = fleet;
    target.release = release;
    target.policy = policy;
    must(castline_plan_of(&target, 1, &made, &error), error);
    castline_plan_free(made);
    castline_policy_free(policy);
    castline_release_free(release);
    castline_fleet_free(fleet);
}

int main(void)
{
    static char line[4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest;
        double began;
        long times, time;
        line[strcspn(line, "\n")] = '\0';
        rest = strchr(line, ' ');
        if (rest == NULL)
            return 2;
        *rest++ = '\0';
        times = atol(rest);
        make();
        began = now();
        if (strcmp(line, "verify") == 0) {
            verify(rest);
        } else {
            for (time = 0; time < times; time++) {
                if (strcmp(line, "make") == 0)
                    make();
                plan();
            }
        }
        printf("{\"wall\": %.9f}\n", now() - began);
        fflush(stdout);
    }
    return 0;
}
