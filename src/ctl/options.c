#include "ctl/options.h"

#include "base/version.h"
#include "config/config.h"
#include "os/log/error_message.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

/* The default socket of a server that root started (os/file/control_path). */
#define ROOT_SOCKET "/run/udpsrv/udpsrv.sock"

enum {
    CONTINUE = -1,
    DONE = 0,
    TIMEOUT_MS = 5000,
};

static const struct option_row rows[CTL_ROWS] = {
    [CTL_ROW_SOCKET] = {'s', "socket", "PATH", "the server's control socket"},
    [CTL_ROW_TIMEOUT] = {'t', "timeout", "TIME", "time to wait for an answer (5s): 500ms, 10s, 5m"},
    [CTL_ROW_JSON] = {0, "json", NULL, "print JSON, for programs"},
    [CTL_ROW_LIMIT] = {0, "limit", "N", "clients: list at most N"},
    [CTL_ROW_SORT] = {0, "sort", "idle|address", "clients: sort the list"},
    [CTL_ROW_STDIN] = {0, "stdin", NULL, "broadcast: send each line of standard input"},
    [CTL_ROW_HEX] = {0, "hex", "DIGITS", "broadcast, send: send bytes given as hexadecimal digits"},
    [CTL_ROW_NO_WAIT] = {0, "no-wait", NULL, "broadcast: do not wait until it has ended"},
    [CTL_ROW_CONFIRM] = {0, "confirm", NULL,
                         "broadcast, send: have clients confirm, and repeat it for the others"},
    [CTL_ROW_WITHIN] = {0, "within", "TIME", "with --confirm: the time for that (30s)"},
    [CTL_ROW_KEY] = {0, "key", "STREAM:ID", "broadcast: send this entry of a stream at most once"},
    [CTL_ROW_ENTRIES_ADDED] = {0, "entries-added", "N",
                               "with --key: how many entries the stream ever had"},
    [CTL_ROW_COUNT] = {'n', "count", "N", "watch, listen, events: end after N of them"},
    [CTL_ROW_TO] = {0, "to", "BLOCK", "broadcast: only to clients of this block (repeatable)"},
    [CTL_ROW_ADDRESS] =
        {0, "address", "BLOCK",
         "clients, kick, listen, events, gateway, bridge: only this block (repeatable)"},
    [CTL_ROW_LISTENER] = {0, "listener", "LISTENER",
                          "the same and broadcast: only clients of this listener"},
    [CTL_ROW_IDLE_MAX] = {0, "idle-max", "TIME",
                          "the same and broadcast: only clients active within this time"},
    [CTL_ROW_YES] = {0, "yes", NULL, "kick: do not ask before several clients are removed"},
    [CTL_ROW_EVENTS] = {0, "events", NULL, "gateway: print events, too; bridge: append them, too"},
    [CTL_ROW_SILENT] = {0, "silent", NULL, "job: list its clients that have not confirmed"},
    [CTL_ROW_CONFIRMED] = {0, "confirmed", NULL, "job: list its clients that have confirmed"},
    [CTL_ROW_KEY_FILE] = {0, "key-file", "FILE", "key: the file with the key of all devices"},
    [CTL_ROW_FROM] = {0, "from", "ID",
                      "bridge: a first start begins after this entry (0: at the first)"},
    [CTL_ROW_STRICT] = {0, "strict", NULL, "bridge: end with status 4 where entries are missing"},
    [CTL_ROW_PUBLISH] = {0, "publish", "STREAM", "bridge: append what clients send to this stream"},
    [CTL_ROW_MAX_ENTRIES] = {0, "max-entries", "N",
                             "bridge: with --publish: keep about N (100000)"},
    [CTL_ROW_NODE] = {0, "node", "NAME", "bridge: with --publish: the name of this host there"},
    [CTL_ROW_USER] = {0, "user", "NAME", "bridge: the user of Redis"},
    [CTL_ROW_PASSWORD_FILE] = {0, "password-file", "FILE",
                               "bridge: the file with the user's password"},
    [CTL_ROW_HELP] = {'h', "help", NULL, "print this help"},
    [CTL_ROW_VERSION] = {'V', "version", NULL, "print the version"},
};

const struct option_row *ctl_options_rows(size_t *count)
{
    *count = CTL_ROWS;
    return rows;
}

int ctl_options_help(void (*list)(FILE *out))
{
    char text[8192];
    option_parser_help(text, sizeof text, rows, CTL_ROWS);
    printf("Usage: udpctl [OPTION]... [COMMAND [ARGUMENT]]\n"
           "Queries and controls a running udpsrv. Without COMMAND it reads commands from the\n"
           "terminal.\n\nCommands:\n");
    list(stdout);
    printf("\nOptions:\n%s\n"
           "--to, --address, --listener and --idle-max are selectors: the command is about the\n"
           "clients that match all of them. kick takes selectors in place of ADDRESS.\n\n"
           "Exit status: 0 done, 1 failed, 2 wrong usage; status: 3 if no server is running.\n",
           text);
    return DONE;
}

static const char *set_timeout(struct ctl_options *options, const char *value)
{
    uint64_t ms;
    const char *wrong = duration_parse(value, 1000, &ms);
    if (wrong)
        return wrong;
    if (ms == 0 || ms > CONTROL_SERVER_NO_TIMEOUT)
        return "it must be from 1ms to 24 days";
    options->server.timeout_is_total = true;
    options->server.timeout_ms = (uint32_t)ms;
    return NULL;
}

static const char *set_number(uint32_t *number, const char *value)
{
    uint64_t given;
    const char *wrong = number_parse(value, 1, UINT32_MAX, &given);
    if (!wrong)
        *number = (uint32_t)given;
    return wrong;
}

static const char *set_sort(struct ctl_options *options, const char *value)
{
    bool idle = strcmp(value, "idle") == 0;
    if (!idle && strcmp(value, "address") != 0)
        return "it must be 'idle' or 'address'";
    options->sort = idle ? CTL_SORT_IDLE : CTL_SORT_ADDRESS;
    return NULL;
}

static const char *set_within(struct ctl_options *options, const char *value)
{
    const char *wrong = duration_parse(value, 1000, &options->within_ms);
    if (wrong == NULL &&
        (options->within_ms < CONFIG_WITHIN_MIN_MS || options->within_ms > CONFIG_WITHIN_MAX_MS))
        wrong = "it must be from 1s to 1h";
    return wrong;
}

/* A key without a backslash is what a person writes; one with a backslash may be what `streams` has
 * written. */
static const char *set_key(struct ctl_options *options, const char *value)
{
    return strchr(value, '\\') == NULL ? publish_key_set(&options->key, value)
                                       : publish_key_parse(&options->key, value);
}

/* Stores one option. Returns NULL, or what is wrong with its value. */
static const char *set_option(struct ctl_options *options, int row, const char *value)
{
    options->given |= (1u << row) & CTL_COMMAND_OPTIONS;
    switch (row) {
    case CTL_ROW_SOCKET:
        options->server.path = value;
        break;
    case CTL_ROW_TIMEOUT:
        return set_timeout(options, value);
    case CTL_ROW_JSON:
        options->json = true;
        break;
    case CTL_ROW_LIMIT:
        return set_number(&options->limit, value);
    case CTL_ROW_COUNT:
        return set_number(&options->count, value);
    case CTL_ROW_SORT:
        return set_sort(options, value);
    case CTL_ROW_WITHIN:
        return set_within(options, value);
    case CTL_ROW_KEY:
        return set_key(options, value);
    case CTL_ROW_ENTRIES_ADDED:
        return number_parse(value, 0, UINT64_MAX, &options->entries_added);
    case CTL_ROW_HEX:
        options->hex = value;
        break;
    case CTL_ROW_KEY_FILE:
        options->key_file = value;
        break;
    case CTL_ROW_FROM:
        options->from = value;
        break;
    case CTL_ROW_PUBLISH:
        options->publish = value;
        break;
    case CTL_ROW_MAX_ENTRIES:
        return set_number(&options->max_entries, value);
    case CTL_ROW_NODE:
        options->node = value;
        break;
    case CTL_ROW_USER:
        options->user = value;
        break;
    case CTL_ROW_PASSWORD_FILE:
        options->password_file = value;
        break;
    case CTL_ROW_TO:
    case CTL_ROW_ADDRESS:
        return selector_options_add_block(&options->selector, value);
    case CTL_ROW_LISTENER:
        return selector_options_set_listener(&options->selector, value);
    case CTL_ROW_IDLE_MAX:
        return selector_options_set_idle_max(&options->selector, value);
    }
    return NULL;
}

static int read_options(struct ctl_options *options, struct option_parser *line,
                        void (*list)(FILE *out))
{
    for (int row; (row = option_parser_next(line)) != OPTION_PARSER_END;) {
        if (row == OPTION_PARSER_ERROR)
            return print_usage_error("%s", line->error);
        if (row == CTL_ROW_HELP)
            return ctl_options_help(list);
        if (row == CTL_ROW_VERSION) {
            puts("udpctl " UDPSRV_VERSION);
            return DONE;
        }
        const char *wrong = set_option(options, row, line->value);
        if (wrong) {
            char shown[200];
            printable_ascii(shown, sizeof shown, line->value, strlen(line->value));
            return print_usage_error("bad --%s '%s': %s", rows[row].name, shown, wrong);
        }
    }
    return CONTINUE;
}

int ctl_options_read(struct ctl_options *options, int argc, char **argv, void (*list)(FILE *out))
{
    struct option_parser line;
    *options = (struct ctl_options){.server.timeout_ms = TIMEOUT_MS};
    option_parser_init(&line, argc, argv, rows, CTL_ROWS);
    int status = read_options(options, &line, list);
    if (status != CONTINUE)
        return status;
    int count;
    char **operands = option_parser_operands(&line, &count);
    if (count > 0) {
        options->command = operands[0];
        options->operands = operands + 1;
        options->operand_count = count - 1;
    }
    if (!options->server.path) {
        if (control_path_default(options->built_in_path, sizeof options->built_in_path) != 0)
            return print_usage_error(
                "XDG_RUNTIME_DIR is too long for a socket path; name a socket with -s");
        options->server.path = options->built_in_path;
        if (strcmp(options->built_in_path, ROOT_SOCKET) != 0)
            options->server.fallback_path = ROOT_SOCKET;
    }
    return CONTINUE;
}

int ctl_options_allow(const struct ctl_options *options, uint32_t allowed)
{
    for (int row = 0; row < CTL_ROWS; row++)
        if (options->given & ~allowed & 1u << row)
            return print_usage_error("--%s is not for this command", rows[row].name);
    return CONTINUE;
}

const char *ctl_options_format_confirm(const struct ctl_options *options,
                                       char words[CTL_CONFIRM_WORDS_BYTES])
{
    char duration[24];
    words[0] = '\0';
    if ((options->given & CTL_WITHIN) && !(options->given & CTL_CONFIRM)) {
        print_usage_error("--within needs --confirm");
        return NULL;
    }
    if (options->given & CTL_WITHIN)
        snprintf(words, CTL_CONFIRM_WORDS_BYTES, " confirm within=%s",
                 duration_format(options->within_ms, duration));
    else if (options->given & CTL_CONFIRM)
        snprintf(words, CTL_CONFIRM_WORDS_BYTES, " confirm");
    return words;
}

const char *ctl_options_format_key(const struct ctl_options *options,
                                   char words[CTL_KEY_WORDS_BYTES])
{
    char key[PUBLISH_KEY_TEXT_BYTES], added[40] = "";
    words[0] = '\0';
    if ((options->given & CTL_ENTRIES_ADDED) && !(options->given & CTL_KEY)) {
        print_usage_error("--entries-added needs --key");
        return NULL;
    }
    if (options->given & CTL_ENTRIES_ADDED)
        snprintf(added, sizeof added, " entries-added=%" PRIu64, options->entries_added);
    if (options->given & CTL_KEY)
        snprintf(words, CTL_KEY_WORDS_BYTES, " key=%s%s", publish_key_format(&options->key, key),
                 added);
    return words;
}
