#include "ctl/commands/command_dispatch.h"

#include "ctl/bridge/bridge_command.h"
#include "ctl/broadcast/broadcast_command.h"
#include "ctl/commands/command_result.h"
#include "ctl/commands/key_command.h"
#include "ctl/commands/request_clients.h"
#include "ctl/commands/request_config.h"
#include "ctl/commands/request_jobs.h"
#include "ctl/commands/request_reload.h"
#include "ctl/commands/request_send.h"
#include "ctl/commands/request_server.h"
#include "ctl/commands/request_upgrade.h"
#include "ctl/events/event_kinds.h"
#include "ctl/events/subscription.h"
#include "ctl/gateway/gateway_command.h"
#include "ctl/watch/watch_command.h"
#include "os/log/error_message.h"
#include "text/nearest_word.h"
#include "text/printable.h"

#include <limits.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int run_help(const struct ctl_options *options)
{
    (void)options;
    return ctl_options_help(command_dispatch_print_list);
}

static const struct command {
    struct option_command form;
    int operands_min, operands_max;
    int (*run)(const struct ctl_options *options);
} commands[] = {
    {{"status", "", "whether the server runs, its clients and uptime", 0}, 0, 0, command_status},
    {{"stats", "", "all counters and their meaning", 0}, 0, 0, command_stats},
    {{"clients", "[@NAME]", "list the registered clients", CTL_LIMIT | CTL_SORT | CTL_SELECT},
     0,
     1,
     command_clients},
    {{"client", "ADDRESS", "show one client", 0}, 1, 1, command_client},
    {{"kick", "ADDRESS", "remove clients; their next datagram registers them again",
      CTL_SELECT | CTL_YES},
     0,
     1,
     command_kick},
    {{"listen", "[@NAME]", "show what registered clients send", CTL_COUNT | CTL_SELECT},
     0,
     1,
     command_listen},
    {{"events", EVENT_KINDS_CHOICE "|[@NAME]", "show what happens to clients and broadcasts",
      CTL_COUNT | CTL_SELECT},
     0,
     INT_MAX,
     command_events},
    {{"gateway", "", "messages both ways as JSON lines, for programs", CTL_EVENTS | CTL_SELECT},
     0,
     0,
     command_gateway},
    {{"bridge", "URL STREAM", "publish each entry of a stream of Redis, until a signal",
      CTL_BRIDGE_OPTIONS | CTL_EVENTS | CTL_SELECT},
     2,
     2,
     command_bridge},
    {{"send", "ADDRESS TEXT", "send a message, or bytes with --hex, to one client",
      CTL_HEX | CTL_CONFIRM | CTL_WITHIN},
     1,
     2,
     command_send},
    {{"broadcast", "TEXT", "send a message to all clients, or to some",
      CTL_STDIN | CTL_HEX | CTL_NO_WAIT | CTL_CONFIRM | CTL_WITHIN | CTL_KEY | CTL_ENTRIES_ADDED |
          CTL_SELECT_TO},
     0,
     1,
     broadcast_command_run},
    {{"jobs", "", "list broadcasts that wait, run or have ended", 0}, 0, 0, command_jobs},
    {{"job", "ID", "show a broadcast, or the clients that have confirmed it or not",
      CTL_SILENT | CTL_CONFIRMED},
     1,
     1,
     command_job},
    {{"cancel", "ID", "cancel a broadcast", 0}, 1, 1, command_cancel},
    {{"streams", "NAME", "show which entries of streams were broadcast last, by --key", 0},
     0,
     1,
     command_streams},
    {{"watch", "", "show rates, drops, clients and jobs each second", CTL_COUNT},
     0,
     0,
     watch_command_run},
    {{"offload", "", "show where the kernel answers for registered clients", 0},
     0,
     0,
     command_offload},
    {{"config", "", "the configuration in effect, as a file", 0}, 0, 0, command_config},
    {{"key", "NAME", "print a device's key, from a key file", CTL_KEY_FILE}, 1, 1, command_key},
    {{"reload", "", "reload the configuration", 0}, 0, 0, command_reload},
    {{"upgrade", "", "have the program that is installed now take over, without a gap", 0},
     0,
     0,
     command_upgrade},
    {{"stop", "", "stop the server", 0}, 0, 0, command_stop},
    {{"help", "", "print this help", 0}, 0, 0, run_help},
};

const struct option_command *command_dispatch_get(size_t i)
{
    return i < COUNT(commands) ? &commands[i].form : NULL;
}

/* Writes a command with its arguments, the last one in brackets if an option may stand for it. */
static void format_usage(const struct command *command, char *text, size_t size)
{
    const char *arguments = command->form.arguments, *last = strrchr(arguments, ' ');
    last = last != NULL ? last + 1 : arguments;
    if (strchr(arguments, '|') != NULL) /* the words of a choice are too many for a column */
        snprintf(text, size, "%s [KIND]...", command->form.name);
    else if (command->operands_max > command->operands_min)
        snprintf(text, size, "%s %.*s[%s]", command->form.name, (int)(last - arguments), arguments,
                 last);
    else
        snprintf(text, size, "%s %s", command->form.name, arguments);
}

void command_dispatch_print_list(FILE *out)
{
    for (size_t i = 0; i < COUNT(commands); i++) {
        char usage[32];
        format_usage(&commands[i], usage, sizeof usage);
        fprintf(out, "  %-19s  %s\n", usage, commands[i].form.help);
    }
}

static int unknown_command(const char *name)
{
    const char *names[COUNT(commands)];
    for (size_t i = 0; i < COUNT(commands); i++)
        names[i] = commands[i].form.name;
    char shown[64];
    printable_ascii(shown, sizeof shown, name, strlen(name));
    const char *meant = nearest_word(name, names, COUNT(names));
    return print_usage_error("unknown command '%s'%s%s%s", shown, meant ? " (did you mean '" : "",
                             meant ? meant : "", meant ? "'?)" : "");
}

int command_dispatch_run(const struct ctl_options *options)
{
    if (!options->command)
        return print_usage_error("a command is missing");
    const struct command *command = commands, *end = commands + COUNT(commands);
    while (command < end && strcmp(command->form.name, options->command) != 0)
        command++;
    if (command == end)
        return unknown_command(options->command);
    if (options->operand_count < command->operands_min)
        return print_usage_error("'%s' needs %s", command->form.name, command->form.arguments);
    if (options->operand_count > command->operands_max)
        return print_usage_error("'%s' takes %s; quote an argument that contains blanks",
                                 command->form.name,
                                 command->operands_max > 1   ? "only two arguments"
                                 : command->operands_max > 0 ? "only one argument"
                                                             : "no argument");
    int status = ctl_options_allow(options, command->form.rows);
    if (status < 0)
        status = command->run(options);
    /* Only `status` has an exit status of its own for a server that isn't running. */
    return status == STATUS_NO_SERVER && command->run != command_status ? STATUS_FAILED : status;
}
