#ifndef SERVER_CONTROL_COMMAND_PARSER_H
#define SERVER_CONTROL_COMMAND_PARSER_H

#include <stddef.h>

struct control_session;

/* What the log says of a command. */
enum command_log {
    COMMAND_READS,       /* it changes nothing: a line at level debug */
    COMMAND_CHANGES,     /* who had it done, and its first argument: at level info */
    COMMAND_LOGS_ITSELF, /* by control_log, since its first argument says too little */
};

/* A command of the operator, a row of a table. */
struct control_command {
    const char *name;
    const char *arguments; /* "ADDRESS" for one that is needed, "[LIMIT]" for one that may be left
                              out, "" for none */
    const char *help;      /* what it does, one line */
    /* Answers now or later. arguments is what stands behind the name without the blanks around it;
     * it may be changed, and is gone when run returns. */
    void (*run)(void *state, struct control_session *session, char *arguments);
    enum command_log log;
};

enum {
    COMMAND_PARSER_NAMES_MAX = 64,   /* rows of a table whose names are suggested */
    COMMAND_PARSER_WRONG_BYTES = 256 /* what is wrong with a line */
};

/* Finds the command of a line of size bytes, behind which a NUL stands, and its arguments, for
 * which the line is changed. NULL if there is none or its arguments are missing or too many; then
 * wrong says so, what to do included. */
const struct control_command *command_parser_parse(const struct control_command *commands,
                                                   size_t count, char *line, size_t size,
                                                   char **arguments,
                                                   char wrong[COMMAND_PARSER_WRONG_BYTES]);

#endif
