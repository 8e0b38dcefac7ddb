/*
 * A small reader of JSON, enough for what castline writes: it takes what is well-formed for granted. For examples and tests; a
 * program that has a JSON library uses that one.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct json {
    /* `{`, `[`, `"`, or the first letter of a number, true, false or null. */
    char kind;
    /* The value as it is written. */
    const char *raw;
    size_t raw_length;
    /* A string's text, without quotes and escapes, and a NUL after it. */
    char *text;
    size_t length;
    /* The name of a member. */
    char *key;
    /* Members or elements, and the next one of the same. */
    struct json *first, *next;
} json;

static void json_free(json *value)
{
    while (value != NULL) {
        json *next = value->next;
        json_free(value->first);
        free(value->text);
        free(value->key);
        free(value);
        value = next;
    }
}

static const char *json_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static unsigned long json_hex(const char *at)
{
    char digits[5];
    memcpy(digits, at, 4);
    digits[4] = '\0';
    return strtoul(digits, NULL, 16);
}

/* The text of the string that begins at `at`, which is moved behind it. */
static char *json_string(const char **at, const char *end, size_t *length)
{
    const char *from = *at + 1;
    char *text = (char *)malloc((size_t)(end - *at) + 1), *to = text;
    while (from < end && *from != '"') {
        unsigned long point;
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from += 2;
        switch (from[-1]) {
        case 'b': *to++ = '\b'; continue;
        case 'f': *to++ = '\f'; continue;
        case 'n': *to++ = '\n'; continue;
        case 'r': *to++ = '\r'; continue;
        case 't': *to++ = '\t'; continue;
        case 'u': break;
        default: *to++ = from[-1]; continue;
        }
        point = json_hex(from);
        from += 4;
        if (point >= 0xd800 && point < 0xdc00) {
            point = 0x10000 + ((point - 0xd800) << 10) + (json_hex(from + 2) - 0xdc00);
            from += 6;
        }
        if (point < 0x80) {
            *to++ = (char)point;
        } else {
            if (point < 0x800) {
                *to++ = (char)(0xc0 | point >> 6);
            } else {
                if (point < 0x10000) {
                    *to++ = (char)(0xe0 | point >> 12);
                } else {
                    *to++ = (char)(0xf0 | point >> 18);
                    *to++ = (char)(0x80 | (point >> 12 & 0x3f));
                }
                *to++ = (char)(0x80 | (point >> 6 & 0x3f));
            }
            *to++ = (char)(0x80 | (point & 0x3f));
        }
    }
    *to = '\0';
    *length = (size_t)(to - text);
    *at = from + 1;
    return text;
}

static json *json_value(const char **at, const char *end)
{
    json *value = (json *)calloc(1, sizeof *value), **last = &value->first;
    const char *from = *at = json_space(*at, end);
    value->raw = from;
    value->kind = *from;
    if (*from == '"') {
        value->text = json_string(at, end, &value->length);
    } else if (*from == '{' || *from == '[') {
        *at = json_space(from + 1, end);
        while (*at < end && **at != '}' && **at != ']') {
            char *key = NULL;
            size_t length;
            if (*from == '{') {
                key = json_string(at, end, &length);
                *at = json_space(*at, end) + 1;
            }
            *last = json_value(at, end);
            (*last)->key = key;
            last = &(*last)->next;
            *at = json_space(*at, end);
            if (*at < end && **at == ',')
                *at = json_space(*at + 1, end);
        }
        ++*at;
    } else {
        while (*at < end && strchr(",]} \n\r\t", **at) == NULL)
            ++*at;
    }
    value->raw_length = (size_t)(*at - from);
    return value;
}

/* Reads a value. It points into `text`. Free it with json_free(). */
static json *json_read(const char *text, size_t length)
{
    return json_value(&text, text + length);
}

/* A member of an object; NULL where there is none, or null. */
static const json *json_member(const json *object, const char *key)
{
    const json *member = object == NULL ? NULL : object->first;
    while (member != NULL && (member->key == NULL || strcmp(member->key, key) != 0))
        member = member->next;
    return member != NULL && member->kind == 'n' ? NULL : member;
}

/* The text of a member that is a string; `otherwise` where there is none. */
static const char *json_text(const json *object, const char *key, const char *otherwise)
{
    const json *member = json_member(object, key);
    return member == NULL || member->text == NULL ? otherwise : member->text;
}

#endif
