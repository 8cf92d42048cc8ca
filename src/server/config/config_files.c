/* The configuration's files: found, read, and fed to the line machine. */
#include "server/config/config_files.h"
#include "config/config_parser.h"
#include "os/file/file.h"
#include "text/printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct config_parser *machine;
    struct config_files_result *result;
    const struct config_files_ways *ways;
    size_t unasked_bytes; /* read since it was last asked whether it is over */
    int error;            /* -ECANCELED once it is over, else -ENOMEM for when a step fails */
};

/* A file being read, and the chain of those that led to it. */
struct line_input {
    const struct line_input *includer;
    const char *path;
    const char *place; /* what paths of its include lines are relative to: path, or "" where that
                          names a descriptor and no place */
    unsigned depth;
};

static char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

static char *format(const char *pattern, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, pattern);
    int length = vasprintf(&text, pattern, arguments);
    va_end(arguments);
    return length < 0 ? NULL : text;
}

/* Appends text, which may be NULL for want of memory, and takes it over. */
static bool append(char ***list, size_t *count, char *text)
{
    char **grown = text ? realloc(*list, (*count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(text);
        return false;
    }
    grown[(*count)++] = text;
    *list = grown;
    return true;
}

/* The path or pattern of an include line of the file includer, for whoever stands elsewhere. */
static char *resolve(const char *includer, const char *path)
{
    const char *slash = strrchr(includer, '/');
    if (path[0] == '/' || !slash)
        return strdup(path);

    size_t length = (size_t)(slash + 1 - includer), out = 0;
    char *resolved = malloc(2 * length + strlen(path) + 1);
    if (!resolved)
        return NULL;
    bool pattern = file_is_pattern(path);
    for (size_t i = 0; i < length; i++) {
        if (pattern && strchr("*?[\\", includer[i])) /* the directory is no pattern */
            resolved[out++] = '\\';
        resolved[out++] = includer[i];
    }
    strcpy(resolved + out, path);
    return resolved;
}

/* Complains, at the include line or else about the first file, that path can't be read. */
static void refuse(struct reader *reader, const struct line_input *includer, const char *path,
                   const char *why)
{
    char shown[256], text[512];
    printable_ascii(shown, sizeof shown, path, strlen(path));
    if (includer)
        snprintf(text, sizeof text, "cannot include '%s': %s", shown, why);
    else
        snprintf(text, sizeof text, "cannot read this file: %s; check its name and who may read it",
                 why);
    config_parser_add_error(reader->machine, text);
}

/* Why includer may not include path; NULL if it may. */
static const char *check_include(const struct reader *reader, const struct line_input *includer,
                                 const char *path)
{
    if (includer->depth >= CONFIG_FILES_DEPTH_MAX)
        return "more than 16 includes deep";
    if (reader->result->file_count >= CONFIG_FILES_MAX)
        return "more than 1000 files";
    for (; includer; includer = includer->includer) {
        if (file_same(path, includer->path))
            return "it would include itself";
    }
    return NULL;
}

/* What an error of file_read means for whoever wrote the configuration. */
static const char *explain(int error)
{
    switch (error) {
    case -EFBIG:
        return "longer than 64 MiB";
    case -EINVAL:
        return "not a regular file, but a pipe, a terminal or a socket, which may never end";
    default:
        return strerror(-error);
    }
}

/* False if the reading is over. */
static bool goes_on(struct reader *reader, size_t bytes)
{
    reader->unasked_bytes += bytes;
    if (reader->ways->is_over == NULL || reader->unasked_bytes < CONFIG_FILES_ASK_BYTES)
        return true;
    reader->unasked_bytes = 0;
    if (!reader->ways->is_over(reader->ways->state))
        return true;
    reader->error = -ECANCELED;
    return false;
}

static int read_file(struct reader *reader, const struct line_input *includer, const char *path,
                     char **bytes, size_t *size)
{
    if (includer || !reader->ways->waits)
        return file_read(path, CONFIG_FILES_BYTES_MAX, bytes, size);
    return file_read_once(path, CONFIG_FILES_BYTES_MAX, bytes, size, &reader->result->once);
}

/* Reads a whole file; *bytes is NULL if that has led to a complaint. False when memory is short, or
 * the reading is over. */
static bool load(struct reader *reader, const struct line_input *includer, const char *path,
                 char **bytes, size_t *size)
{
    *bytes = NULL;
    const char *why = includer ? check_include(reader, includer, path) : NULL;
    if (!why) {
        int error = read_file(reader, includer, path, bytes, size);
        if (error == -ENOMEM)
            return false;
        if (error != 0)
            why = explain(error);
    }
    if (why) {
        refuse(reader, includer, path, why);
        return true;
    }
    struct config_files_result *result = reader->result;
    if (append(&result->files, &result->file_count, strdup(path)))
        return true;
    free(*bytes);
    return false;
}

static bool feed(struct reader *reader, const struct line_input *source, const char *bytes,
                 size_t size);

static bool include(struct reader *reader, const struct line_input *includer, const char *path)
{
    const struct line_input source = {includer, path, path, includer->depth + 1};
    char *bytes;
    size_t size;
    if (!load(reader, includer, path, &bytes, &size))
        return false;
    if (!bytes)
        return true;
    bool done =
        config_parser_file_begin(reader->machine, path) && feed(reader, &source, bytes, size);
    if (done)
        config_parser_file_end(reader->machine);
    free(bytes);
    return done;
}

/* Includes the files that match a pattern, which may be none. */
static bool include_matches(struct reader *reader, const struct line_input *includer,
                            const char *pattern)
{
    char **paths;
    size_t count;
    int error = file_glob(pattern, &paths, &count);
    if (error == -ENOMEM)
        return false;
    if (error != 0) {
        refuse(reader, includer, pattern, strerror(-error));
        return true;
    }
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = include(reader, includer, paths[i]);
    file_glob_free(paths, count);
    return done;
}

/* Does what an include line says. */
static bool include_line(struct reader *reader, const struct line_input *includer,
                         const char *written)
{
    char *path = resolve(includer->place, written);
    if (!path)
        return false;
    bool done = file_is_pattern(written) ? include_matches(reader, includer, path)
                                         : include(reader, includer, path);
    free(path);
    return done;
}

static bool feed(struct reader *reader, const struct line_input *source, const char *bytes,
                 size_t size)
{
    const char *end = bytes + size;
    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const char *line_end = newline ? newline : end;
        if (!goes_on(reader, (size_t)(line_end - bytes) + 1))
            return false;
        enum config_parser_next want =
            config_parser_line(reader->machine, bytes, (size_t)(line_end - bytes));
        if (want == CONFIG_NO_MEMORY)
            return false;
        if (want == CONFIG_INCLUDE &&
            !include_line(reader, source, config_parser_include_path(reader->machine)))
            return false;
        bytes = line_end + 1;
    }
    return true;
}

static bool read_first(struct reader *reader, const char *path)
{
    const struct line_input source = {NULL, path, file_is_descriptor(path) ? "" : path, 0};
    char *bytes;
    size_t size;
    if (!config_parser_file_begin(reader->machine, path) ||
        !load(reader, NULL, path, &bytes, &size))
        return false;
    bool done = !bytes || feed(reader, &source, bytes, size);
    config_parser_file_end(reader->machine);
    free(bytes);
    return done;
}

/* Turns the machine's complaints into text. */
static bool list_complaints(struct reader *reader)
{
    struct config_files_result *result = reader->result;
    size_t count, dropped;
    const struct config_diagnostic *diagnosis =
        config_parser_diagnostics(reader->machine, &count, &dropped);
    result->located = calloc(count + 1, sizeof *result->located);
    if (!result->located)
        return false;
    for (; count > 0; count--, diagnosis++) {
        char place[32] = "";
        result->located[result->error_count] = diagnosis->line > 0;
        if (diagnosis->column > 0)
            snprintf(place, sizeof place, ":%u:%u", diagnosis->line, diagnosis->column);
        else if (diagnosis->line > 0)
            snprintf(place, sizeof place, ":%u", diagnosis->line);
        if (!append(&result->errors, &result->error_count,
                    format("%s%s: %s", diagnosis->file, place, diagnosis->text)))
            return false;
    }
    return dropped == 0 ||
           append(&result->errors, &result->error_count, format("... and %zu more", dropped));
}

static bool read_all(struct reader *reader, const char *path,
                     const struct config_files_override *overrides, size_t override_count)
{
    for (size_t i = 0; i < override_count; i++) {
        const struct config_files_override *override = &overrides[i];
        if (!config_parser_override(reader->machine, override->where, override->section,
                                    override->key, override->value))
            return false;
    }
    if (path && !read_first(reader, path))
        return false;
    reader->result->config = config_parser_finish(reader->machine);
    return reader->result->config || list_complaints(reader);
}

int config_files_read_by(struct config_files_result *result, const char *path,
                         const struct config_files_override *overrides, size_t override_count,
                         const struct config_files_ways *ways)
{
    *result = (struct config_files_result){0};
    struct reader reader = {
        .machine = config_parser_new(), .result = result, .ways = ways, .error = -ENOMEM};
    bool done = reader.machine && read_all(&reader, path, overrides, override_count);
    config_parser_free(reader.machine);
    if (done && result->config)
        return 0;
    if (done && result->error_count > 0)
        return -EINVAL;
    config_files_free(result);
    return reader.error;
}

int config_files_read(struct config_files_result *result, const char *path,
                      const struct config_files_override *overrides, size_t override_count)
{
    const struct config_files_ways plain = {.waits = false};
    return config_files_read_by(result, path, overrides, override_count, &plain);
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void config_files_free(struct config_files_result *result)
{
    config_free(result->config);
    free_list(result->errors, result->error_count);
    free_list(result->files, result->file_count);
    free(result->located);
    *result = (struct config_files_result){0};
}
