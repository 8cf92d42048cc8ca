#ifndef CONFIG_CONFIG_DIAGNOSTICS_H
#define CONFIG_CONFIG_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The list of errors that a configuration contains, with their locations. */

enum { CONFIG_DIAGNOSTICS_MAX = 100 }; /* errors beyond this number are only counted */

/* A location in a configuration. */
struct config_location {
    const char *file; /* the file, or the command line option */
    uint32_t line;    /* from 1; 0: the file as a whole */
    uint32_t column;  /* from 1, in bytes; 0: the line as a whole */
};

/* An error in a configuration. file and text are printable. text has no newline at its end; it may
 * end with indented lines that can be pasted into a file. */
struct config_diagnostic {
    const char *file; /* as in config_location */
    uint32_t line;
    uint32_t column;
    char *text;
};

struct config_diagnostics {
    struct config_diagnostic *list;
    size_t count, dropped; /* listed; beyond CONFIG_DIAGNOSTICS_MAX */
    struct config_source_name *names;
    bool no_memory; /* an allocation failed: a diagnostic is missing */
};

/* Returns false if there is no memory; config_diagnostics_free may be called nevertheless. */
bool config_diagnostics_init(struct config_diagnostics *diagnostics);
void config_diagnostics_free(struct config_diagnostics *diagnostics);

/* Adds an error. */
void config_diagnostics_add(struct config_diagnostics *diagnostics,
                            const struct config_location *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns a printable copy of the name of a file or option, for use in locations. It is valid until
 * config_diagnostics_free. NULL if there is no memory. */
const char *config_diagnostics_name(struct config_diagnostics *diagnostics, const char *name);

#endif
