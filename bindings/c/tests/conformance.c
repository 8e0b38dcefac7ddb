/* Every line of the tables that all languages run: `conformance VECTORS [EVERY]`. With EVERY, only each so many lines. */
#include <limits.h>
#include <unistd.h>

#include "support.h"

static const char *vectors;

static text of_vectors(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", vectors, name);
    return read_file(path);
}

static const char *word_after(char **words, const char *flag)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, flag) == 0)
            return words[1] == NULL ? "" : words[1];
    return NULL;
}

/* What a failure is in the table. */
static void coded(text *result, castline_error *error)
{
    add(result, "!%s", castline_error_code(error));
    castline_error_free(error);
}

/* The text that a call gave, or its failure. */
static void told(text *result, castline_status status, castline_bytes *bytes, castline_error *error)
{
    if (status == CASTLINE_OK)
        add_raw(result, castline_bytes_data(bytes), castline_bytes_length(bytes));
    else
        coded(result, error);
    castline_bytes_free(bytes);
}

/* ---- images ---- */

/* The reference with its path below the vectors. */
static void placed(char *reference, size_t size, const char *text)
{
    const char *colon = strchr(text, ':');
    snprintf(reference, size, "%.*s:%s/%s", (int)(colon - text), text, vectors, colon + 1);
}

static void one_code(text *result, const char *level, const char *code)
{
    if (result->length != 0)
        add(result, " ");
    if (strcmp(level, "error") != 0)
        add(result, "%s:", level);
    add(result, "%s", code);
}

static void codes(text *result, const castline_report *report)
{
    size_t count = castline_report_finding_count(report), index;
    for (index = 0; index < count; index++) {
        castline_finding finding;
        OK(castline_report_finding(report, index, &finding, &error));
        one_code(result, finding.level, finding.code);
    }
    if (count == 0)
        add(result, "intact");
    if (castline_report_is_intact(report) && !castline_report_is_complete(report))
        add(result, " incomplete");
}

/* The report of an image; whether it is intact. */
static int report_of(text *result, const char *reference, const char *options)
{
    castline_verification *verification;
    castline_report *report;
    int intact;
    OK(castline_verify(reference, options, NULL, NULL, NULL, &verification, &error));
    OK(castline_verification_report(verification, &report, &error));
    codes(result, report);
    intact = castline_report_is_intact(report);
    castline_report_free(report);
    castline_verification_free(verification);
    return intact;
}

static void verify(text *result, char **words, const char *input)
{
    char reference[4096];
    const char *platform = word_after(words, "--platform");
    text options = {NULL, 0};
    placed(reference, sizeof reference, input);
    add(&options, "{\"unreferenced\": %s", word_after(words, "--unreferenced") == NULL ? "false" : "true");
    if (platform != NULL)
        add(&options, ", \"platform\": \"%s\"", platform);
    add(&options, "}");
    report_of(result, reference, options.data);
    forget(&options);
}

static int base64(int letter)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter == '\0' ? NULL : strchr(letters, letter);
    return at == NULL ? -1 : (int)(at - letters);
}

static void escaped(text *result, int byte)
{
    static const char named[] = "\t\n\r\"'\\", names[] = "tnr\"'\\";
    const char *at = byte == 0 ? NULL : strchr(named, byte);
    if (at != NULL)
        add(result, "\\%c", names[at - named]);
    else if (byte > 0x20 && byte < 0x7f)
        add(result, "%c", byte);
    else
        add(result, "\\x%02x", byte);
}

/* A name, which is a text or, under another key, bytes in base64. */
static void named(text *result, const json *line, const char *key)
{
    const json *plain = json_member(line, key);
    char encoded[64];
    size_t index;
    snprintf(encoded, sizeof encoded, "%sBytes", key);
    /* Where there are bytes, a text beside them is for people. */
    if (json_member(line, encoded) == NULL) {
        CHECK(plain != NULL);
        for (index = 0; index < plain->length; index++)
            escaped(result, (unsigned char)plain->text[index]);
    } else {
        unsigned bits = 0;
        int held = 0;
        const char *at;
        for (at = json_text(line, encoded, ""); base64(*at) >= 0; at++) {
            bits = bits << 6 | (unsigned)base64(*at);
            held += 6;
            if (held >= 8) {
                held -= 8;
                escaped(result, (int)(bits >> held & 0xff));
            }
        }
    }
}

static void device(text *result, const json *line)
{
    const json *number = json_member(line, "device");
    for (number = number == NULL ? NULL : number->first; number != NULL; number = number->next) {
        add_raw(result, number->raw, number->raw_length);
        if (number->next != NULL)
            add(result, ",");
    }
}

static void entry(text *result, const json *line)
{
    const char *kind = json_text(line, "type", ""), *usual = "0644", *mode = json_text(line, "mode", "");
    const json *xattr = json_member(line, "xattrs"), *implicit = json_member(line, "implicit");
    char letter = kind[0];
    if (json_member(line, "sameAs") != NULL || json_member(line, "sameAsBytes") != NULL) {
        add(result, "h:");
        named(result, line, "path");
        add(result, "=");
        named(result, line, "sameAs");
        return;
    }
    if (strcmp(kind, "directory") == 0) {
        letter = implicit != NULL && implicit->kind == 't' ? 'D' : 'd';
        usual = "0755";
    } else if (strcmp(kind, "symlink") == 0) {
        letter = 'l';
        usual = "0777";
    } else if (strcmp(kind, "fifo") == 0) {
        letter = 'p';
    }
    add(result, "%c:", letter);
    named(result, line, "path");
    if (letter == 'f') {
        const json *size = json_member(line, "size");
        add(result, ":%.*s", (int)size->raw_length, size->raw);
    } else if (letter == 'l') {
        add(result, "->");
        named(result, line, "target");
    } else if (letter == 'c' || letter == 'b') {
        add(result, ":");
        device(result, line);
    }
    if (strcmp(mode, usual) != 0)
        add(result, ":%s", mode);
    for (xattr = xattr == NULL ? NULL : xattr->first; xattr != NULL; xattr = xattr->next)
        add(result, ":%s=%s", xattr->key, xattr->text);
}

static void tree(text *result, const char *input)
{
    char reference[4096];
    castline_rootfs *rootfs, *again;
    castline_bytes *lines, *same;
    castline_error *error = NULL;
    castline_status status;
    const char *at, *end;
    text report = {NULL, 0};
    placed(reference, sizeof reference, input);
    if (!report_of(&report, reference, NULL)) {
        add_raw(result, report.data, report.length);
        forget(&report);
        return;
    }
    forget(&report);
    status = castline_tree(reference, NULL, NULL, NULL, NULL, &rootfs, &error);
    if (status == CASTLINE_INVALID_IMAGE) {
        const char *detail = castline_error_detail(error);
        json *read = json_read(detail, strlen(detail));
        const json *finding = json_member(read, "findings")->first;
        for (; finding != NULL; finding = finding->next)
            one_code(result, json_text(finding, "level", ""), json_text(finding, "code", ""));
        json_free(read);
        castline_error_free(error);
        return;
    }
    CHECK(status == CASTLINE_OK);
    OK(castline_rootfs_to_json_lines(rootfs, &lines, &error));
    OK(castline_rootfs_from_json_lines(castline_bytes_data(lines), castline_bytes_length(lines), &again, &error));
    OK(castline_rootfs_to_json_lines(again, &same, &error));
    CHECK(castline_rootfs_equals(rootfs, again) && strcmp(castline_bytes_data(lines), castline_bytes_data(same)) == 0);
    for (at = castline_bytes_data(lines); (end = strchr(at, '\n')) != NULL; at = end + 1) {
        json *line = json_read(at, (size_t)(end - at));
        text one = {NULL, 0};
        entry(&one, line);
        if (strcmp(one.data, "D:") != 0 && strcmp(one.data, "d:") != 0)
            add(result, "%s%s", result->length == 0 ? "" : " ", one.data);
        forget(&one);
        json_free(line);
    }
    castline_bytes_free(lines);
    castline_bytes_free(same);
    castline_rootfs_free(rootfs);
    castline_rootfs_free(again);
}

static castline_rootfs *tree_of_file(const char *name)
{
    castline_rootfs *rootfs;
    text lines = of_vectors(name);
    OK(castline_rootfs_from_json_lines(lines.data, lines.length, &rootfs, &error));
    forget(&lines);
    return rootfs;
}

static void drift(text *result, char **words, char *input)
{
    char *second = strchr(input, ' ');
    castline_rootfs *shipped, *found;
    castline_scan *actual;
    castline_bytes *report;
    int is_drifted = -1, counts = 0;
    json *read;
    const json *finding, *attribute;
    text options = {NULL, 0};
    *second++ = '\0';
    shipped = tree_of_file(input);
    found = tree_of_file(second);
    OK(castline_scan_of(found, &actual, &error));
    add(&options, "{\"mtime\": %s, \"ignore\": [", word_after(words, "--mtime") == NULL ? "false" : "true");
    if (word_after(words, "--ignore") != NULL)
        add(&options, "\"%s\"", word_after(words, "--ignore"));
    add(&options, "], \"mounts\": [");
    if (word_after(words, "--mount") != NULL)
        add(&options, "\"%s\"", word_after(words, "--mount"));
    add(&options, "]");
    if (word_after(words, "--profile") != NULL)
        add(&options, ", \"profile\": \"%s\"", word_after(words, "--profile"));
    add(&options, "}");
    OK(castline_compare(shipped, actual, options.data, &is_drifted, &report, &error));
    read = json_read(castline_bytes_data(report), castline_bytes_length(report));
    for (finding = json_member(read, "findings")->first; finding != NULL; finding = finding->next) {
        counts |= strcmp(json_text(finding, "severity", ""), "info") != 0;
        add(result, "%s%s:%s:", result->length == 0 ? "" : " ", json_text(finding, "severity", ""),
            json_text(finding, "code", ""));
        named(result, finding, "path");
        if (strcmp(json_text(finding, "code", ""), "modified") == 0) {
            const json *attributes = json_member(finding, "attributes");
            add(result, ":");
            for (attribute = attributes == NULL ? NULL : attributes->first; attribute != NULL; attribute = attribute->next)
                add(result, "%s%s", attribute->text, attribute->next == NULL ? "" : ",");
        }
    }
    if (result->length == 0)
        add(result, "clean");
    CHECK(is_drifted == counts);
    json_free(read);
    forget(&options);
    castline_bytes_free(report);
    castline_scan_free(actual);
    castline_rootfs_free(shipped);
    castline_rootfs_free(found);
}

/* ---- texts ---- */

static text unescaped(const char *input)
{
    text result = {NULL, 0};
    add_raw(&result, "", 0);
    for (; *input != '\0'; input++) {
        char one = *input;
        if (one == '\\' && input[1] != '\0') {
            input++;
            one = *input == 't' ? '\t' : *input == 'n' ? '\n' : *input == '0' ? '\0' : *input == 'e' ? '\x1b' : *input;
        }
        add_raw(&result, &one, 1);
    }
    return result;
}

static void reference(text *result, const text *input)
{
    castline_bytes *parts = NULL;
    castline_error *error = NULL;
    json *read;
    if (castline_reference_parse(input->data, input->length, &parts, &error) != CASTLINE_OK) {
        coded(result, error);
        return;
    }
    read = json_read(castline_bytes_data(parts), castline_bytes_length(parts));
    add(result, "%s path=%s", json_text(read, "transport", ""), json_text(read, "path", ""));
    if (json_member(read, "tag") != NULL)
        add(result, " tag=%s", json_text(read, "tag", ""));
    if (json_member(read, "digest") != NULL)
        add(result, " digest=%s", json_text(read, "digest", ""));
    if (json_member(read, "position") != NULL)
        add(result, " index=%.*s", (int)json_member(read, "position")->raw_length, json_member(read, "position")->raw);
    json_free(read);
    castline_bytes_free(parts);
}

static void time_of(text *result, const text *input)
{
    int64_t millis;
    castline_bytes *written = NULL;
    castline_error *error = NULL;
    castline_status status = castline_time_parse(input->data, input->length, &millis, &error);
    if (status == CASTLINE_OK)
        status = castline_time_format(millis, &written, &error);
    told(result, status, written, error);
}

static void amount_of(text *result, const text *input)
{
    const char *at = NULL, *next;
    uint64_t count;
    castline_error *error = NULL;
    for (next = strstr(input->data, " of "); next != NULL; next = strstr(next + 1, " of "))
        at = next;
    CHECK(at != NULL);
    if (castline_amount_of(input->data, (size_t)(at - input->data), strtoull(at + 4, NULL, 10), &count, &error) == CASTLINE_OK)
        add(result, "%llu", (unsigned long long)count);
    else
        coded(result, error);
}

static void window(text *result, text *input)
{
    char *part[4];
    int index;
    int64_t now;
    castline_bytes *looked = NULL;
    castline_error *error = NULL;
    json *read;
    part[0] = input->data;
    for (index = 1; index < 4; index++) {
        part[index] = strchr(part[index - 1], '|');
        CHECK(part[index] != NULL);
        *part[index]++ = '\0';
    }
    if (castline_time_parse(part[3], strlen(part[3]), &now, &error) != CASTLINE_OK
        || castline_window_at(part[0], strtoull(part[1], NULL, 10), part[2], now, &looked, &error) != CASTLINE_OK) {
        coded(result, error);
        return;
    }
    read = json_read(castline_bytes_data(looked), castline_bytes_length(looked));
    add(result, "%s %s", json_member(read, "open")->kind == 't' ? "open" : "closed", json_text(read, "nextOpen", "None"));
    json_free(read);
    castline_bytes_free(looked);
}

/* ---- documents ---- */

/* The digest of a document, which its canonical form has, too. */
#define DIGEST(kind)                                                                                                    \
    static void kind##_digest(text *result, const text *raw)                                                            \
    {                                                                                                                   \
        castline_##kind *read = NULL, *again;                                                                           \
        castline_bytes *canonical, *digest, *same;                                                                      \
        castline_error *failure = NULL;                                                                                 \
        if (castline_##kind##_from_json(raw->data, raw->length, &read, &failure) != CASTLINE_OK) {                      \
            CHECK(read == NULL);                                                                                        \
            coded(result, failure);                                                                                     \
            return;                                                                                                     \
        }                                                                                                               \
        OK(castline_##kind##_to_canonical(read, &canonical, &error));                                                   \
        OK(castline_##kind##_from_json(castline_bytes_data(canonical), castline_bytes_length(canonical), &again, &error)); \
        OK(castline_##kind##_digest(read, &digest, &error));                                                            \
        OK(castline_digest_of(castline_bytes_data(canonical), castline_bytes_length(canonical), &same, &error));        \
        CHECK(castline_##kind##_equals(read, again));                                                                   \
        CHECK(strcmp(castline_bytes_data(digest), castline_bytes_data(same)) == 0);                                     \
        add(result, "%s", castline_bytes_data(digest));                                                                 \
        castline_bytes_free(canonical);                                                                                 \
        castline_bytes_free(digest);                                                                                    \
        castline_bytes_free(same);                                                                                      \
        castline_##kind##_free(read);                                                                                   \
        castline_##kind##_free(again);                                                                                  \
    }
DIGEST(fleet)
DIGEST(release)
DIGEST(policy)

static void revision(text *result, const text *raw)
{
    castline_release *release = NULL;
    castline_bytes *written = NULL;
    castline_error *error = NULL;
    castline_status status = castline_release_from_json(raw->data, raw->length, &release, &error);
    if (status == CASTLINE_OK)
        status = castline_release_revision(release, &written, &error);
    told(result, status, written, error);
    castline_release_free(release);
}

/* ---- plans ---- */

#define MOST 16

typedef struct goals {
    castline_target targets[MOST];
    size_t count;
} goals;

static castline_release *release_of(const json *one)
{
    castline_release *release;
    OK(castline_release_from_json(one->raw, one->raw_length, &release, &error));
    return release;
}

static goals goals_of(const json *document)
{
    goals read;
    const json *target = json_member(document, "targets")->first;
    read.count = 0;
    for (; target != NULL; target = target->next, read.count++) {
        castline_fleet *fleet;
        castline_policy *policy;
        const json *member = json_member(target, "fleet");
        CHECK(read.count < MOST);
        OK(castline_fleet_from_json(member->raw, member->raw_length, &fleet, &error));
        member = json_member(target, "policy");
        OK(castline_policy_from_json(member->raw, member->raw_length, &policy, &error));
        read.targets[read.count].fleet = fleet;
        read.targets[read.count].policy = policy;
        read.targets[read.count].release = release_of(json_member(target, "release"));
    }
    return read;
}

static void forget_goals(goals *read)
{
    while (read->count-- > 0) {
        castline_fleet_free((castline_fleet *)read->targets[read->count].fleet);
        castline_release_free((castline_release *)read->targets[read->count].release);
        castline_policy_free((castline_policy *)read->targets[read->count].policy);
    }
}

static void slot(text *result, const json *one)
{
    if (json_member(one, "slot") != NULL)
        add(result, "#%s", json_text(one, "slot", ""));
}

static void disposed(text *result, const json *one)
{
    const char *disposal = json_text(one, "disposal", "end");
    if (strcmp(disposal, "end") != 0)
        add(result, "(%s)", disposal);
}

static void launched(text *result, const json *launch)
{
    const json *labels = json_member(launch, "labels"), *label = labels == NULL ? NULL : labels->first;
    if (launch == NULL)
        return;
    add(result, "+%s", json_text(launch, "zone", ""));
    slot(result, launch);
    if (label != NULL) {
        add(result, "{");
        for (; label != NULL; label = label->next)
            add(result, "%s=%s%s", label->key, label->text, label->next == NULL ? "}" : ",");
    }
}

static void retired(text *result, const json *retire)
{
    if (retire == NULL)
        return;
    add(result, "-%s", json_text(retire, "id", ""));
    disposed(result, retire);
}

static void replacement(text *result, const json *one)
{
    const json *wave = json_member(one, "wave");
    add(result, "%.*s:", (int)wave->raw_length, wave->raw);
    if (strcmp(json_text(one, "order", "launchFirst"), "launchFirst") == 0) {
        launched(result, json_member(one, "launch"));
        retired(result, json_member(one, "retire"));
    } else {
        retired(result, json_member(one, "retire"));
        launched(result, json_member(one, "launch"));
    }
    add(result, ":%s", json_text(one, "reason", ""));
}

static void stage(text *result, const json *one)
{
    const json *after = json_member(one, "after"), *each = json_member(one, "replacements");
    const json *weight = json_member(one, "weight"), *gate = json_member(one, "gate");
    const json *bake = json_member(gate, "bakeSeconds");
    add(result, "[%s]", json_text(one, "name", ""));
    for (after = after == NULL ? NULL : after->first; after != NULL; after = after->next)
        add(result, "%s%.*s", after == json_member(one, "after")->first ? " after=" : ",", (int)after->raw_length, after->raw);
    for (each = each == NULL ? NULL : each->first; each != NULL; each = each->next) {
        add(result, " ");
        replacement(result, each);
    }
    if (weight != NULL)
        add(result, " weight=%.*s", (int)weight->raw_length, weight->raw);
    if (bake != NULL && strtoull(bake->raw, NULL, 10) != 0)
        add(result, " bake=%.*s", (int)bake->raw_length, bake->raw);
    if (json_member(gate, "analysis") != NULL)
        add(result, " analysis=%s", json_text(gate, "analysis", ""));
    if (json_member(gate, "approval") != NULL)
        add(result, " approval");
}

static void limit(text *result, const json *one)
{
    static const char *const bounds[] = {"floor", "ceiling", "inFlight"};
    const json *number = json_member(one, "desired");
    size_t index;
    add(result, "%s of=%.*s", json_text(one, "name", ""), (int)number->raw_length, number->raw);
    for (index = 0; index < 3; index++)
        if ((number = json_member(one, bounds[index])) != NULL)
            add(result, " %s=%.*s", bounds[index], (int)number->raw_length, number->raw);
}

static void plan(text *result, const json *document, int limits)
{
    goals wanted = goals_of(document);
    castline_plan *made = NULL, *again;
    castline_bytes *written;
    castline_error *failure = NULL;
    castline_status status = castline_plan_of(wanted.targets, wanted.count, &made, &failure);
    json *read;
    const json *each;
    forget_goals(&wanted);
    if (status == CASTLINE_INFEASIBLE) {
        const char *detail = castline_error_detail(failure);
        read = json_read(detail, strlen(detail));
        add(result, "!%s ", castline_error_code(failure));
        for (each = json_member(read, "conflict")->first; each != NULL; each = each->next)
            add(result, "%s%s", json_text(each, "name", ""), each->next == NULL ? "" : "|");
        json_free(read);
        castline_error_free(failure);
        return;
    }
    CHECK(status == CASTLINE_OK);
    OK(castline_plan_to_json(made, &written, &error));
    OK(castline_plan_from_json(castline_bytes_data(written), castline_bytes_length(written), &again, &error));
    CHECK(castline_plan_equals(made, again));
    read = json_read(castline_bytes_data(written), castline_bytes_length(written));
    if (limits) {
        each = json_member(read, "limits");
        for (each = each == NULL ? NULL : each->first; each != NULL; each = each->next) {
            limit(result, each);
            add(result, "%s", each->next == NULL ? "" : "; ");
        }
    } else if (castline_plan_is_empty(made)) {
        add(result, "empty");
    } else {
        for (each = json_member(read, "stages")->first; each != NULL; each = each->next) {
            stage(result, each);
            add(result, "%s", each->next == NULL ? "" : " ");
        }
    }
    json_free(read);
    castline_bytes_free(written);
    castline_plan_free(made);
    castline_plan_free(again);
}

/* ---- rollouts ---- */

static json *next_of(const castline_rollout *rollout, castline_bytes **next)
{
    OK(castline_rollout_next(rollout, next, &error));
    return json_read(castline_bytes_data(*next), castline_bytes_length(*next));
}

static void action(text *result, const json *one)
{
    const char *kind = json_text(one, "type", "");
    add(result, " %s", kind);
    if (strcmp(kind, "launch") == 0) {
        add(result, ":%s", json_text(one, "zone", ""));
        slot(result, one);
    } else if (strcmp(kind, "retire") == 0) {
        add(result, ":%s", json_text(one, "instance", ""));
        disposed(result, one);
    } else if (strcmp(kind, "shift") == 0) {
        add(result, ":%.*s", (int)json_member(one, "weight")->raw_length, json_member(one, "weight")->raw);
    } else if (strcmp(kind, "analyse") == 0) {
        add(result, ":%s", json_text(one, "name", ""));
    }
}

/* An event, with the key of an action in place of `"$KIND:N"`: the Nth one of the kind, or the one that the Nth event had. */
static text event_of(const json *event, const castline_rollout *rollout, text *keys, size_t position)
{
    text written = {NULL, 0};
    const char *end = event->raw + event->raw_length, *from = event->raw;
    while (from < end - 1 && !(from[0] == '"' && from[1] == '$'))
        from++;
    add_raw(&written, event->raw, event->raw_length);
    if (from < end - 1) {
        const char *colon = strchr(from, ':'), *rest = strchr(from + 1, '"') + 1;
        size_t number = strtoul(colon + 1, NULL, 10);
        text whole = {NULL, 0};
        if (strncmp(from, "\"$same", (size_t)(colon - from)) == 0) {
            CHECK(number < position);
            add_raw(&keys[position], keys[number].data, keys[number].length);
        } else {
            castline_bytes *next;
            json *read = next_of(rollout, &next);
            const json *one = json_member(read, "actions")->first;
            for (; one != NULL; one = one->next) {
                const char *kind = json_text(one, "type", "");
                if (strlen(kind) == (size_t)(colon - from - 2) && strncmp(kind, from + 2, strlen(kind)) == 0 && number-- == 0)
                    break;
            }
            CHECK(one != NULL);
            one = json_member(one, "key");
            add_raw(&keys[position], one->raw, one->raw_length);
            json_free(read);
            castline_bytes_free(next);
        }
        add_raw(&whole, event->raw, (size_t)(from - event->raw));
        add_raw(&whole, keys[position].data, keys[position].length);
        add_raw(&whole, rest, (size_t)(end - rest));
        forget(&written);
        written = whole;
    }
    return written;
}

static void rollout(text *result, const json *document, size_t count)
{
    goals wanted = goals_of(document);
    castline_release *back[MOST];
    size_t backs = 0, position;
    const json *each;
    castline_plan *made;
    castline_rollout *run;
    castline_bytes *bytes;
    json *read;
    text keys[64];
    memset(keys, 0, sizeof keys);
    for (each = json_member(document, "fallback")->first; each != NULL; each = each->next) {
        CHECK(backs < MOST);
        back[backs++] = release_of(each);
    }
    OK(castline_plan_of(wanted.targets, wanted.count, &made, &error));
    OK(castline_rollout_start(made, wanted.targets, wanted.count, (const castline_release *const *)back, backs,
                              json_text(document, "start", ""), &run, &error));
    forget_goals(&wanted);
    while (backs > 0)
        castline_release_free(back[--backs]);
    each = json_member(document, "events")->first;
    for (position = 0; each != NULL && position < count; each = each->next, position++) {
        text event;
        CHECK(position < sizeof keys / sizeof *keys);
        event = event_of(each, run, keys, position);
        OK(castline_rollout_on(run, event.data, event.length, &error));
        forget(&event);
    }
    OK(castline_rollout_status(run, &bytes, &error));
    read = json_read(castline_bytes_data(bytes), castline_bytes_length(bytes));
    add(result, "%s", json_text(read, "status", ""));
    json_free(read);
    castline_bytes_free(bytes);
    read = next_of(run, &bytes);
    for (each = json_member(read, "actions")->first; each != NULL; each = each->next)
        action(result, each);
    json_free(read);
    castline_bytes_free(bytes);
    for (position = 0; position < sizeof keys / sizeof *keys; position++)
        forget(&keys[position]);
    castline_rollout_free(run);
    castline_plan_free(made);
}

/* ---- ledgers ---- */

static void digest_or_none(text *result, const char *name, const castline_release *release)
{
    castline_bytes *digest = NULL;
    if (release != NULL)
        OK(castline_release_digest(release, &digest, &error));
    add(result, " %s=%s", name, digest == NULL ? "none" : castline_bytes_data(digest));
    castline_bytes_free(digest);
}

static void story(text *result, const castline_ledger *ledger, const char *service)
{
    castline_bytes *history, *current;
    castline_release *previous, *last = NULL, *target = NULL;
    json *read;
    const json *one;
    OK(castline_ledger_history(ledger, service, &history, &error));
    OK(castline_ledger_current(ledger, service, &current, &error));
    OK(castline_ledger_previous_good(ledger, service, &previous, &error));
    read = json_read(castline_bytes_data(history), castline_bytes_length(history));
    add(result, "history=");
    for (one = read->first; one != NULL; one = one->next) {
        const json *outcome = json_member(one, "outcome");
        add(result, "%s%s", outcome == NULL ? "running" : outcome->text != NULL ? outcome->text : outcome->first->key,
            one->next == NULL ? "" : ",");
        if (one->next == NULL)
            OK(castline_ledger_release(ledger, json_text(one, "release", ""), &last, &error));
    }
    if (last != NULL)
        OK(castline_ledger_rollback_target(ledger, last, &target, &error));
    add(result, " current=%s", current == NULL ? "none" : castline_bytes_data(current));
    digest_or_none(result, "previous", previous);
    digest_or_none(result, "target", target);
    json_free(read);
    castline_bytes_free(history);
    castline_bytes_free(current);
    castline_release_free(previous);
    castline_release_free(last);
    castline_release_free(target);
}

static void ledger(text *result, char **words, const text *raw)
{
    castline_ledger *read;
    castline_bytes *lines, *head;
    castline_error *failure = NULL;
    castline_status status = castline_ledger_from_lines(raw->data, raw->length, NULL, NULL, &read, &failure);
    const char *service = word_after(words, "--service");
    if (status == CASTLINE_BROKEN_CHAIN) {
        const char *detail = castline_error_detail(failure);
        json *place = json_read(detail, strlen(detail));
        const json *position = json_member(place, "position");
        add(result, "!%s %.*s", castline_error_code(failure), (int)position->raw_length, position->raw);
        json_free(place);
        castline_error_free(failure);
        return;
    }
    CHECK(status == CASTLINE_OK);
    OK(castline_ledger_to_lines(read, &lines, &error));
    CHECK(castline_bytes_length(lines) == raw->length && memcmp(castline_bytes_data(lines), raw->data, raw->length) == 0);
    castline_bytes_free(lines);
    if (service != NULL) {
        story(result, read, service);
    } else {
        OK(castline_ledger_head(read, &head, &error));
        add(result, "%llu %s", (unsigned long long)castline_ledger_entry_count(read),
            head == NULL ? "none" : castline_bytes_data(head));
        castline_bytes_free(head);
    }
    castline_ledger_free(read);
}

/* ---- the table ---- */

static int of_text(text *result, const char *name, const char *input)
{
    text parsed = unescaped(input);
    castline_bytes *bytes = NULL;
    castline_error *error = NULL;
    castline_status status;
    int known = 1;
#define PARSED(kind)                                                                       \
    (status = castline_##kind##_parse(parsed.data, parsed.length, &bytes, &error), \
     told(result, status, bytes, error))
    if (strcmp(name, "digest.parse") == 0)
        PARSED(digest);
    else if (strcmp(name, "platform.parse") == 0)
        PARSED(platform);
    else if (strcmp(name, "amount.parse") == 0)
        PARSED(amount);
    else if (strcmp(name, "revision.parse") == 0)
        PARSED(revision);
    else if (strcmp(name, "reference.parse") == 0)
        reference(result, &parsed);
    else if (strcmp(name, "time.parse") == 0)
        time_of(result, &parsed);
    else if (strcmp(name, "amount.of") == 0)
        amount_of(result, &parsed);
    else if (strcmp(name, "window.open") == 0)
        window(result, &parsed);
    else
        known = 0;
    forget(&parsed);
    return known;
}

static int of_file(text *result, const char *name, char **words, const char *input)
{
    text raw = of_vectors(input);
    const char *events = word_after(words, "--events");
    int known = 1;
    json *read = strcmp(name, "plan") == 0 || strcmp(name, "plan.limits") == 0 || strcmp(name, "rollout") == 0
                     ? json_read(raw.data, raw.length)
                     : NULL;
    if (strcmp(name, "fleet.digest") == 0)
        fleet_digest(result, &raw);
    else if (strcmp(name, "release.digest") == 0)
        release_digest(result, &raw);
    else if (strcmp(name, "policy.digest") == 0)
        policy_digest(result, &raw);
    else if (strcmp(name, "release.revision") == 0)
        revision(result, &raw);
    else if (strcmp(name, "ledger") == 0)
        ledger(result, words, &raw);
    else if (strcmp(name, "rollout") == 0)
        rollout(result, read, events == NULL ? (size_t)-1 : strtoul(events, NULL, 10));
    else if (read != NULL)
        plan(result, read, strcmp(name, "plan.limits") == 0);
    else
        known = 0;
    json_free(read);
    forget(&raw);
    return known;
}

/* ---- builds ---- */

static void build(text *result, char **words, const char *input)
{
    char path[4096], folder[4096], archive[] = "/tmp/castline-XXXXXX", to[64];
    const char *compression = word_after(words, "--compression");
    int is_json = strcmp(input + strlen(input) - 5, ".json") == 0, file = mkstemp(archive);
    text options = {NULL, 0}, description = {NULL, 0}, verdict = {NULL, 0};
    castline_bytes *built = NULL;
    castline_error *failure = NULL;
    CHECK(file >= 0 && close(file) == 0);
    snprintf(path, sizeof path, "%s/%s", vectors, input);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    snprintf(to, sizeof to, "oci-archive:%s:built", archive);
    if (is_json)
        add(&options, "{\"folder\": \"%s\"", folder);
    else
        add(&options, "{\"isPath\": true, \"jobs\": 2");
    if (compression != NULL)
        add(&options, ", \"compression\": \"%s\"", compression);
    add(&options, "}");
    if (is_json)
        description = of_vectors(input);
    else
        add(&description, "%s", path);
    if (castline_build(description.data, description.length, to, options.data, NULL, NULL, NULL, &built, &failure) == CASTLINE_OK) {
        json *read = json_read(castline_bytes_data(built), castline_bytes_length(built));
        add(result, "%s", json_text(read, "digest", ""));
        json_free(read);
        add_raw(&verdict, "", 0);
        CHECK(report_of(&verdict, to, NULL));
    } else
        coded(result, failure);
    castline_bytes_free(built);
    forget(&options);
    forget(&description);
    forget(&verdict);
    CHECK(remove(archive) == 0);
}

/* Runs a line; whether it holds. */
static int line_holds(char *operation, char *input, const char *expected)
{
    char *words[16], shown[4096];
    size_t count = 0;
    text result = {NULL, 0};
    int holds;
    snprintf(shown, sizeof shown, "%s %s", operation, input);
    add_raw(&result, "", 0);
    for (words[0] = strtok(operation, " "); words[count] != NULL; words[count] = strtok(NULL, " "))
        CHECK(++count < 15);
    if (strcmp(words[0], "verify") == 0)
        verify(&result, words + 1, input);
    else if (strcmp(words[0], "tree") == 0)
        tree(&result, input);
    else if (strcmp(words[0], "drift") == 0)
        drift(&result, words + 1, input);
    else if (strcmp(words[0], "build") == 0)
        build(&result, words + 1, input);
    else if (!of_text(&result, words[0], input) && !of_file(&result, words[0], words + 1, input))
        add(&result, "an unknown operation");
    holds = strcmp(result.data, expected) == 0;
    if (!holds)
        fprintf(stderr, "%s\n    expected %s\n    actual   %s\n", shown, expected, result.data);
    forget(&result);
    return holds;
}

int main(int count, char **arguments)
{
    text table;
    unsigned long lines = 0, run = 0, failures = 0, every = count > 2 ? strtoul(arguments[2], NULL, 10) : 1;
    char *line, *next;
    CHECK(count > 1 && every > 0);
    vectors = arguments[1];
    table = of_vectors("index.tsv");
    for (line = table.data; *line != '\0'; line = next) {
        char *input, *expected;
        next = line + strcspn(line, "\n");
        if (*next == '\n')
            *next++ = '\0';
        if (*line == '#' || *line == '\0')
            continue;
        input = strchr(line, '\t');
        CHECK(input != NULL);
        *input++ = '\0';
        expected = strchr(input, '\t');
        CHECK(expected != NULL);
        *expected++ = '\0';
        if (lines++ % every == 0) {
            run++;
            failures += !line_holds(line, input, expected);
        }
    }
    forget(&table);
    printf("%lu of %lu lines of the table were run; %lu do not hold\n", run, lines, failures);
    return lines > 1300 && failures == 0 ? 0 : 1;
}
