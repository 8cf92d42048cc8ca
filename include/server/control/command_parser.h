#ifndef SERVER_CONTROL_COMMAND_PARSER_H
#define SERVER_CONTROL_COMMAND_PARSER_H

#include <stdbool.h>
#include <stddef.h>

/* Parses the operator's command lines by a table of commands. */

struct control_session;

/* How a command is logged. */
enum command_log {
    COMMAND_READS,       /* it changes nothing: at level debug */
    COMMAND_CHANGES,     /* at level info, with the operator and the first argument */
    COMMAND_LOGS_ITSELF, /* it calls command_log_write_pairs, since its first argument is not enough
                          */
};

/* Whose sessions may run a command. What a row of the table does not state is for operators only.
 */
enum command_access {
    COMMAND_FOR_OPERATORS,
    COMMAND_FOR_OBSERVERS, /* and for operators; it must change nothing */
};

/* A command: a row of the table. */
struct control_command {
    const char *name;
    const char *arguments; /* "ADDRESS" for a required argument, "[LIMIT]" for an optional one, ""
                              for none */
    const char *help;      /* what it does, one line */
    /* Runs the command. It may answer at once or later. arguments is the rest of the line after the
     * name, without the blanks around it. It may be changed, and is valid until run returns. */
    void (*run)(void *state, struct control_session *session, char *arguments);
    enum command_log log;
    enum command_access access;
};

enum {
    COMMAND_PARSER_NAMES_MAX = 64,   /* rows of the table whose names may be suggested */
    COMMAND_PARSER_WRONG_BYTES = 256 /* of the message about a line that cannot be executed */
};

/* The table, and the access of a session. */
struct command_set {
    const struct control_command *commands;
    size_t count;
    enum command_access access;
};

/* Whether a session with that access may run the command. */
bool command_parser_permits(enum command_access access, const struct control_command *command);

/* Finds the command of a line of size bytes, which a NUL follows, and its arguments; changes the
 * line. Returns NULL if the command is unknown, or its arguments are missing or too many; wrong is
 * then a message for the operator. A command that the session may not run is returned whatever its
 * arguments are: the caller refuses it. */
const struct control_command *command_parser_parse(const struct command_set *set, char *line,
                                                   size_t size, char **arguments,
                                                   char wrong[COMMAND_PARSER_WRONG_BYTES]);

#endif
