#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "address/publish_key.h"
#include "ctl/connection/control_server.h"
#include "ctl/selector_options.h"
#include "os/file/control_path.h"
#include "text/option_parser.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The command line of udpctl: its options, and the command with its operands. */

/* The rows of the table of options. */
enum ctl_row {
    CTL_ROW_SOCKET,
    CTL_ROW_TIMEOUT,
    CTL_ROW_JSON,
    CTL_ROW_LIMIT,
    CTL_ROW_SORT,
    CTL_ROW_STDIN,
    CTL_ROW_HEX,
    CTL_ROW_NO_WAIT,
    CTL_ROW_CONFIRM,
    CTL_ROW_WITHIN,
    CTL_ROW_KEY,
    CTL_ROW_ENTRIES_ADDED,
    CTL_ROW_COUNT,
    CTL_ROW_TO,
    CTL_ROW_ADDRESS,
    CTL_ROW_LISTENER,
    CTL_ROW_IDLE_MAX,
    CTL_ROW_YES,
    CTL_ROW_EVENTS,
    CTL_ROW_SILENT,
    CTL_ROW_CONFIRMED,
    CTL_ROW_KEY_FILE,
    CTL_ROW_FROM,
    CTL_ROW_STRICT,
    CTL_ROW_PUBLISH,
    CTL_ROW_MAX_ENTRIES,
    CTL_ROW_NODE,
    CTL_ROW_USER,
    CTL_ROW_PASSWORD_FILE,
    CTL_ROW_HELP,
    CTL_ROW_VERSION,
    CTL_ROWS
};

/* The options that only some commands accept: a bit each, as in struct option_command. */
enum ctl_option {
    CTL_LIMIT = 1 << CTL_ROW_LIMIT,
    CTL_SORT = 1 << CTL_ROW_SORT,
    CTL_STDIN = 1 << CTL_ROW_STDIN,
    CTL_HEX = 1 << CTL_ROW_HEX,
    CTL_NO_WAIT = 1 << CTL_ROW_NO_WAIT,
    CTL_CONFIRM = 1 << CTL_ROW_CONFIRM,
    CTL_WITHIN = 1 << CTL_ROW_WITHIN,
    CTL_KEY = 1 << CTL_ROW_KEY,
    CTL_ENTRIES_ADDED = 1 << CTL_ROW_ENTRIES_ADDED,
    CTL_COUNT = 1 << CTL_ROW_COUNT,
    CTL_TO = 1 << CTL_ROW_TO,
    CTL_ADDRESS = 1 << CTL_ROW_ADDRESS,
    CTL_LISTENER = 1 << CTL_ROW_LISTENER,
    CTL_IDLE_MAX = 1 << CTL_ROW_IDLE_MAX,
    CTL_YES = 1 << CTL_ROW_YES,
    CTL_EVENTS = 1 << CTL_ROW_EVENTS,
    CTL_SILENT = 1 << CTL_ROW_SILENT,
    CTL_CONFIRMED = 1 << CTL_ROW_CONFIRMED,
    CTL_KEY_FILE = 1 << CTL_ROW_KEY_FILE,
    CTL_FROM = 1 << CTL_ROW_FROM,
    CTL_STRICT = 1 << CTL_ROW_STRICT,
    CTL_PUBLISH = 1 << CTL_ROW_PUBLISH,
    CTL_MAX_ENTRIES = 1 << CTL_ROW_MAX_ENTRIES,
    CTL_NODE = 1 << CTL_ROW_NODE,
    CTL_USER = 1 << CTL_ROW_USER,
    CTL_PASSWORD_FILE = 1 << CTL_ROW_PASSWORD_FILE,
    CTL_BRIDGE_OPTIONS = CTL_FROM | CTL_STRICT | CTL_PUBLISH | CTL_MAX_ENTRIES | CTL_NODE |
                         CTL_USER | CTL_PASSWORD_FILE,
    /* The selectors of a command that sends something, and of one that does not. */
    CTL_SELECT_TO = CTL_TO | CTL_LISTENER | CTL_IDLE_MAX,
    CTL_SELECT = CTL_ADDRESS | CTL_LISTENER | CTL_IDLE_MAX,
    CTL_COMMAND_OPTIONS = CTL_LIMIT | CTL_SORT | CTL_STDIN | CTL_HEX | CTL_NO_WAIT | CTL_COUNT |
                          CTL_SELECT_TO | CTL_SELECT | CTL_YES | CTL_EVENTS | CTL_CONFIRM |
                          CTL_WITHIN | CTL_KEY | CTL_ENTRIES_ADDED | CTL_SILENT | CTL_CONFIRMED |
                          CTL_KEY_FILE | CTL_BRIDGE_OPTIONS,
};

enum ctl_sort { CTL_SORT_NONE, CTL_SORT_IDLE, CTL_SORT_ADDRESS };

/* The parsed command line. Its strings point into argv. */
struct ctl_options {
    struct control_server server;
    char built_in_path[CONTROL_PATH_BYTES]; /* the default; server.path may point to it */
    bool json;
    uint32_t given;     /* enum ctl_option: the options that were given */
    uint32_t limit;     /* 0: all */
    uint32_t count;     /* 0: unlimited */
    uint64_t within_ms; /* with CTL_WITHIN: the time for confirmations */
    struct publish_key key;
    uint64_t entries_added;
    enum ctl_sort sort;
    const char *hex;
    const char *key_file;
    const char *from;     /* of bridge: an id, not yet parsed; NULL: not given, as the next ones */
    const char *publish;  /* a stream */
    uint32_t max_entries; /* of that stream */
    const char *node, *user, *password_file;
    struct selector_options selector; /* of --to or --address, --listener, --idle-max */
    const char *command;              /* NULL: none */
    char **operands;                  /* after the command */
    int operand_count;
};

/* Returns the table of options, *count rows. */
const struct option_row *ctl_options_rows(size_t *count);

/* Parses the command line. Returns -1 if the command can run; otherwise the exit status, after it
 * has printed the help (list prints the commands), the version or a usage error. */
int ctl_options_read(struct ctl_options *options, int argc, char **argv, void (*list)(FILE *out));

/* Prints the help; list prints the commands. Returns the exit status, 0. */
int ctl_options_help(void (*list)(FILE *out));

/* Returns -1 if all given options are in allowed (enum ctl_option); otherwise prints a usage error
 * and returns EXIT_USAGE. */
int ctl_options_allow(const struct ctl_options *options, uint32_t allowed);

enum { CTL_CONFIRM_WORDS_BYTES = 48 };

/* Formats the words of a control line that --confirm and --within stand for, each with a blank
 * before it, or "". Returns words; NULL after a usage error, which it prints. */
const char *ctl_options_format_confirm(const struct ctl_options *options,
                                       char words[CTL_CONFIRM_WORDS_BYTES]);

enum { CTL_KEY_WORDS_BYTES = PUBLISH_KEY_TEXT_BYTES + 64 };

/* The same of --key and --entries-added. */
const char *ctl_options_format_key(const struct ctl_options *options,
                                   char words[CTL_KEY_WORDS_BYTES]);

#endif
