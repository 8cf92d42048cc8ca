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
    struct config_parser *parser;
    struct config_files_result *result;
    const struct config_files_mode *mode;
    size_t unchecked_bytes; /* read since is_cancelled was last called */
    int error;              /* the result when a step fails: -ENOMEM, or -ECANCELED */
};

/* A file that is read, and the chain of the files that include it. */
struct source_file {
    const struct source_file *includer;
    const char *path;
    const char *base; /* paths of its include lines are relative to its directory: path, or "" if
                         path names a descriptor */
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

/* Appends text and takes it over. Returns false if memory is short or text is NULL. */
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

/* Returns the path or pattern of an include line, relative to the working directory instead of to
 * the directory of the file includer. */
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
        if (pattern && strchr("*?[\\", includer[i])) /* the directory is not a pattern */
            resolved[out++] = '\\';
        resolved[out++] = includer[i];
    }
    strcpy(resolved + out, path);
    return resolved;
}

/* Reports, at the include line or else for the first file, that path cannot be read. */
static void report_unreadable(struct reader *reader, const struct source_file *includer,
                              const char *path, const char *why)
{
    char shown[256], text[512];
    printable_ascii(shown, sizeof shown, path, strlen(path));
    if (includer)
        snprintf(text, sizeof text, "cannot include '%s': %s", shown, why);
    else
        snprintf(text, sizeof text, "cannot read this file: %s; check its name and permissions",
                 why);
    config_parser_add_error(reader->parser, text);
}

/* Returns why includer may not include path, or NULL. */
static const char *check_include(const struct reader *reader, const struct source_file *includer,
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

/* Returns the meaning of an error of file_read for a configuration file. */
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

/* Returns false if the reading was cancelled. */
static bool count_bytes(struct reader *reader, size_t bytes)
{
    reader->unchecked_bytes += bytes;
    if (reader->mode->is_cancelled == NULL || reader->unchecked_bytes < CONFIG_FILES_CHECK_BYTES)
        return true;
    reader->unchecked_bytes = 0;
    if (!reader->mode->is_cancelled(reader->mode->state))
        return true;
    reader->error = -ECANCELED;
    return false;
}

static int read_file(struct reader *reader, const struct source_file *includer, const char *path,
                     char **bytes, size_t *size)
{
    if (includer || !reader->mode->may_block)
        return file_read(path, CONFIG_FILES_BYTES_MAX, bytes, size);
    return file_read_stream(path, CONFIG_FILES_BYTES_MAX, bytes, size, &reader->result->once);
}

/* Reads a whole file; *bytes is NULL if an error was reported. Returns false if memory is short or
 * the reading was cancelled. */
static bool load(struct reader *reader, const struct source_file *includer, const char *path,
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
        report_unreadable(reader, includer, path, why);
        return true;
    }
    struct config_files_result *result = reader->result;
    if (append(&result->files, &result->file_count, strdup(path)))
        return true;
    free(*bytes);
    return false;
}

static bool parse(struct reader *reader, const struct source_file *source, const char *bytes,
                  size_t size);

static bool include(struct reader *reader, const struct source_file *includer, const char *path)
{
    const struct source_file source = {includer, path, path, includer->depth + 1};
    char *bytes;
    size_t size;
    if (!load(reader, includer, path, &bytes, &size))
        return false;
    if (!bytes)
        return true;
    bool done =
        config_parser_file_begin(reader->parser, path) && parse(reader, &source, bytes, size);
    if (done)
        config_parser_file_end(reader->parser);
    free(bytes);
    return done;
}

/* Includes the files that match a pattern; there may be none. */
static bool include_matches(struct reader *reader, const struct source_file *includer,
                            const char *pattern)
{
    char **paths;
    size_t count;
    int error = file_glob(pattern, &paths, &count);
    if (error == -ENOMEM)
        return false;
    if (error != 0) {
        report_unreadable(reader, includer, pattern, strerror(-error));
        return true;
    }
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = include(reader, includer, paths[i]);
    file_glob_free(paths, count);
    return done;
}

/* Includes the path or pattern of an include line. */
static bool run_include_line(struct reader *reader, const struct source_file *includer,
                             const char *written)
{
    char *path = resolve(includer->base, written);
    if (!path)
        return false;
    bool done = file_is_pattern(written) ? include_matches(reader, includer, path)
                                         : include(reader, includer, path);
    free(path);
    return done;
}

static bool parse(struct reader *reader, const struct source_file *source, const char *bytes,
                  size_t size)
{
    const char *end = bytes + size;
    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const char *line_end = newline ? newline : end;
        if (!count_bytes(reader, (size_t)(line_end - bytes) + 1))
            return false;
        enum config_parser_next want =
            config_parser_line(reader->parser, bytes, (size_t)(line_end - bytes));
        if (want == CONFIG_NO_MEMORY)
            return false;
        if (want == CONFIG_INCLUDE &&
            !run_include_line(reader, source, config_parser_include_path(reader->parser)))
            return false;
        bytes = line_end + 1;
    }
    return true;
}

static bool read_first(struct reader *reader, const char *path)
{
    const struct source_file source = {NULL, path, file_is_descriptor(path) ? "" : path, 0};
    char *bytes;
    size_t size;
    if (!config_parser_file_begin(reader->parser, path) || !load(reader, NULL, path, &bytes, &size))
        return false;
    bool done = !bytes || parse(reader, &source, bytes, size);
    config_parser_file_end(reader->parser);
    free(bytes);
    return done;
}

/* Converts the diagnostics of the parser to text. */
static bool list_errors(struct reader *reader)
{
    struct config_files_result *result = reader->result;
    size_t count, dropped;
    const struct config_diagnostic *diagnostic =
        config_parser_diagnostics(reader->parser, &count, &dropped);
    result->located = calloc(count + 1, sizeof *result->located);
    if (!result->located)
        return false;
    for (; count > 0; count--, diagnostic++) {
        char position[32] = "";
        result->located[result->error_count] = diagnostic->line > 0;
        if (diagnostic->column > 0)
            snprintf(position, sizeof position, ":%u:%u", diagnostic->line, diagnostic->column);
        else if (diagnostic->line > 0)
            snprintf(position, sizeof position, ":%u", diagnostic->line);
        if (!append(&result->errors, &result->error_count,
                    format("%s%s: %s", diagnostic->file, position, diagnostic->text)))
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
        if (!config_parser_override(reader->parser, override->where, override->section,
                                    override->key, override->value))
            return false;
    }
    if (path && !read_first(reader, path))
        return false;
    reader->result->config = config_parser_finish(reader->parser);
    return reader->result->config || list_errors(reader);
}

int config_files_read_in_mode(struct config_files_result *result, const char *path,
                              const struct config_files_override *overrides, size_t override_count,
                              const struct config_files_mode *mode)
{
    *result = (struct config_files_result){0};
    struct reader reader = {
        .parser = config_parser_new(), .result = result, .mode = mode, .error = -ENOMEM};
    bool done = reader.parser && read_all(&reader, path, overrides, override_count);
    config_parser_free(reader.parser);
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
    const struct config_files_mode plain = {.may_block = false};
    return config_files_read_in_mode(result, path, overrides, override_count, &plain);
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
