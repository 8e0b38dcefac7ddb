/* What the tests share: checks, texts that grow, files, and an image of any size. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "castline.h"
#include "json.h"

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

/* Of a call that must succeed; takes `&error` as its last argument. */
#define OK(call)                                                                                                \
    do {                                                                                                        \
        castline_error *error = NULL;                                                                           \
        if ((call) != CASTLINE_OK) {                                                                            \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, castline_error_message(error));      \
            exit(1);                                                                                            \
        }                                                                                                       \
    } while (0)

typedef struct text {
    char *data;
    size_t length;
} text;

static void add_raw(text *to, const char *data, size_t length)
{
    to->data = (char *)realloc(to->data, to->length + length + 1);
    memcpy(to->data + to->length, data, length);
    to->length += length;
    to->data[to->length] = '\0';
}

static void add(text *to, const char *format, ...)
{
    char small[4096];
    int length;
    va_list arguments;
    va_start(arguments, format);
    length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && (size_t)length < sizeof small);
    add_raw(to, small, (size_t)length);
}

static void forget(text *one)
{
    free(one->data);
    one->data = NULL;
    one->length = 0;
}

static text read_file(const char *path)
{
    text read = {NULL, 0};
    char chunk[65536];
    size_t length;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    add_raw(&read, "", 0);
    while ((length = fread(chunk, 1, sizeof chunk, file)) > 0)
        add_raw(&read, chunk, length);
    fclose(file);
    return read;
}

/* Takes what a call gave as a text. */
static text taken(castline_bytes *bytes)
{
    text copy = {NULL, 0};
    add_raw(&copy, castline_bytes_data(bytes), castline_bytes_length(bytes));
    castline_bytes_free(bytes);
    return copy;
}

static void write_file(const char *folder, const char *name, const char *data, size_t length)
{
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(data, 1, length, file) == length);
    fclose(file);
}

/* Writes a blob, and its descriptor into `descriptor`; its digest is at `digest`. */
static void write_blob(const char *folder, const char *kind, const char *data, size_t length, text *descriptor,
                       char digest[80])
{
    castline_bytes *of;
    char name[128];
    OK(castline_digest_of(data, length, &of, &error));
    strcpy(digest, castline_bytes_data(of));
    castline_bytes_free(of);
    snprintf(name, sizeof name, "blobs/sha256/%s", digest + strlen("sha256:"));
    write_file(folder, name, data, length);
    add(descriptor, "{\"mediaType\": \"application/vnd.oci.image.%s\", \"digest\": \"%s\", \"size\": %lu}", kind, digest,
        (unsigned long)length);
}

/* Writes an image of one layer into a folder that is there: an empty tar, which is zeros, however many. */
static void write_layout(const char *folder, size_t size)
{
    const char *mark = "{\"imageLayoutVersion\": \"1.0.0\"}";
    char path[4096], digest[80];
    text layer = {NULL, 0}, config = {NULL, 0}, described = {NULL, 0}, manifest = {NULL, 0}, index = {NULL, 0};
    char *zeros = (char *)calloc(1, size);
    snprintf(path, sizeof path, "%s/blobs", folder);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/blobs/sha256", folder);
    mkdir(path, 0755);
    write_blob(folder, "layer.v1.tar", zeros, size, &layer, digest);
    add(&config, "{\"architecture\": \"amd64\", \"os\": \"linux\", \"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"%s\"]}}",
        digest);
    write_blob(folder, "config.v1+json", config.data, config.length, &described, digest);
    add(&manifest,
        "{\"schemaVersion\": 2, \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\", \"config\": %s, \"layers\": [%s]}",
        described.data, layer.data);
    add(&index, "{\"schemaVersion\": 2, \"manifests\": [");
    write_blob(folder, "manifest.v1+json", manifest.data, manifest.length, &index, digest);
    add(&index, "]}");
    write_file(folder, "index.json", index.data, index.length);
    write_file(folder, "oci-layout", mark, strlen(mark));
    forget(&layer);
    forget(&config);
    forget(&described);
    forget(&manifest);
    forget(&index);
    free(zeros);
}

#endif
