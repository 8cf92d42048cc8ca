#include "config/config_diagnostics.h"
#include "text/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config_source_name {
    struct config_source_name *next;
    char text[];
};

bool config_diagnostics_init(struct config_diagnostics *diagnostics)
{
    *diagnostics = (struct config_diagnostics){
        .list = calloc(CONFIG_DIAGNOSTICS_MAX, sizeof *diagnostics->list)};
    return diagnostics->list != NULL;
}

void config_diagnostics_free(struct config_diagnostics *diagnostics)
{
    while (diagnostics->names) {
        struct config_source_name *name = diagnostics->names;
        diagnostics->names = name->next;
        free(name);
    }
    for (size_t i = 0; i < diagnostics->count; i++)
        free(diagnostics->list[i].text);
    free(diagnostics->list);
}

void config_diagnostics_add(struct config_diagnostics *diagnostics,
                            const struct config_location *at, const char *format, ...)
{
    if (diagnostics->count == CONFIG_DIAGNOSTICS_MAX) {
        diagnostics->dropped++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    char *text;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        diagnostics->no_memory = true;
        return;
    }
    diagnostics->list[diagnostics->count++] =
        (struct config_diagnostic){at->file, at->line, at->column, text};
}

const char *config_diagnostics_name(struct config_diagnostics *diagnostics, const char *name)
{
    size_t size = strlen(name), escaped_bytes = 4 * size + 4;
    struct config_source_name *copy = malloc(sizeof *copy + escaped_bytes);
    if (!copy)
        return NULL;
    printable_ascii(copy->text, escaped_bytes, name, size);
    copy->next = diagnostics->names;
    diagnostics->names = copy;
    return copy->text;
}
