/*
 * A driver with a poll loop: does in a simulated world what a rollout asks for, and tells it what happens. The world's clock is
 * made of steps of the loop; a real driver reads its own, and asks its platform.
 */
#include <castline.h>
#include <stdio.h>

#include "json.h"

#define MOST 64

/* Something that the world does, and when it will be done. */
typedef struct task {
    char key[256];
    char event[512];
    int due;
} task;

static task tasks[MOST];
static int task_count, launched, now;

static void must(castline_status status, castline_error *error)
{
    if (status == CASTLINE_OK)
        return;
    fprintf(stderr, "%s [%s]\n", castline_error_message(error), castline_error_code(error));
    castline_error_free(error);
    exit(2);
}

/* A moment of the world, in seconds. */
static const char *moment(int second)
{
    static char text[32];
    snprintf(text, sizeof text, "2026-01-01T00:%02d:%02dZ", second / 60, second % 60);
    return text;
}

/* An event that will happen; `key` is that of the action that it answers. */
static void later(int delay, const char *key, const char *event)
{
    task *one = &tasks[task_count++];
    if (task_count == MOST)
        exit(2);
    one->due = now + delay;
    snprintf(one->key, sizeof one->key, "%s", key);
    snprintf(one->event, sizeof one->event, "%s", event);
}

/* Whatever it takes on a real platform. Doing it twice must be doing it once, which the key is for. */
static void begin(const json *action)
{
    const char *kind = json_text(action, "type", ""), *key = json_text(action, "key", "");
    char event[512];
    int index;
    for (index = 0; index < task_count; index++)
        if (strcmp(tasks[index].key, key) == 0)
            return;
    printf("%s %s %s\n", moment(now), kind, json_text(action, "instance", json_text(action, "zone", "")));
    if (strcmp(kind, "launch") == 0) {
        launched++;
        snprintf(event, sizeof event, "\"type\": \"launched\", \"key\": \"%s\", \"instance\": \"new-%d\"", key, launched);
        later(2, key, event);
        snprintf(event, sizeof event, "\"type\": \"ready\", \"instance\": \"new-%d\"", launched);
        later(5, "", event);
    } else if (strcmp(kind, "retire") == 0) {
        snprintf(event, sizeof event, "\"type\": \"gone\", \"instance\": \"%s\"", json_text(action, "instance", ""));
        later(3, key, event);
    } else {
        fprintf(stderr, "this driver cannot %s\n", kind);
        exit(2);
    }
}

static void tell(castline_rollout *rollout, const char *what)
{
    castline_error *error = NULL;
    char event[640];
    snprintf(event, sizeof event, "{\"at\": \"%s\", %s}", moment(now), what);
    must(castline_rollout_on(rollout, event, strlen(event), &error), error);
}

static void drive(castline_rollout *rollout)
{
    while (!castline_rollout_has_ended(rollout)) {
        castline_error *error = NULL;
        castline_bytes *next;
        json *to_do;
        const json *action;
        int index, happened = 0;
        must(castline_rollout_next(rollout, &next, &error), error);
        to_do = json_read(castline_bytes_data(next), castline_bytes_length(next));
        for (action = json_member(to_do, "actions")->first; action != NULL; action = action->next)
            begin(action);
        json_free(to_do);
        castline_bytes_free(next);
        now++;
        for (index = 0; index < task_count; index++) {
            if (tasks[index].due == now) {
                tell(rollout, tasks[index].event);
                happened = 1;
            }
        }
        if (!happened)
            tell(rollout, "\"type\": \"tick\"");
    }
}

int main(void)
{
    static const char *const ids[] = {"web-0", "web-1", "web-2", "web-3"};
    static const char image[] = "{\"provider\": \"aws\", \"id\": \"ami-2\", \"provenance\": {\"builder\": \"packer\"}}";
    static const char budgets[] = "{\"budgets\": [{\"maxUnavailable\": 0, \"maxSurge\": 2}]}";
    castline_error *error = NULL;
    castline_instance instances[4];
    castline_fleet *fleet, *after;
    castline_release *release;
    castline_policy *policy;
    castline_plan *plan;
    castline_rollout *rollout;
    castline_target target;
    castline_bytes *status;
    int index, succeeded;

    memset(instances, 0, sizeof instances);
    for (index = 0; index < 4; index++) {
        instances[index].id = ids[index];
        instances[index].image = "ami-1";
        instances[index].zone = index % 2 == 0 ? "a" : "b";
    }
    must(castline_fleet_of("web", instances, 4, sizeof *instances, &fleet, &error), error);
    must(castline_release_of_provider_image("web", image, strlen(image), 4, &release, &error), error);
    must(castline_policy_from_json(budgets, strlen(budgets), &policy, &error), error);
    target.fleet = fleet;
    target.release = release;
    target.policy = policy;
    must(castline_plan_of(&target, 1, &plan, &error), error);
    must(castline_rollout_start(plan, &target, 1, NULL, 0, moment(0), &rollout, &error), error);

    drive(rollout);

    must(castline_rollout_status(rollout, &status, &error), error);
    must(castline_rollout_fleet(rollout, "web", &after, &error), error);
    printf("%s %s, %lu instances\n", moment(now), castline_bytes_data(status),
        (unsigned long)castline_fleet_instance_count(after));
    succeeded = strstr(castline_bytes_data(status), "succeeded") != NULL && launched == 4;
    castline_bytes_free(status);
    castline_fleet_free(after);
    castline_rollout_free(rollout);
    castline_plan_free(plan);
    castline_policy_free(policy);
    castline_release_free(release);
    castline_fleet_free(fleet);
    return succeeded ? 0 : 1;
}
