/* The commands of udpctl: one table, one dispatcher. */
#include "ctl/command.h"

#include "address/client_name.h"
#include "base/stats.h"
#include "ctl/broadcast/broadcast_command.h"
#include "ctl/connection/request.h"
#include "ctl/output/json.h"
#include "ctl/watch/watch_command.h"
#include "net/socket/udp_socket.h"
#include "os/log/error_message.h"
#include "text/nearest_word.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { DONE = 0, FAILED = 1, NOT_RUNNING = 3, COMMAND_BYTES = 128 };

/* The exit status of an answer, its error said. What can't be printed is output_close's to say. */
static int conclude(const struct ctl_options *options, enum answer_result result, const char *error)
{
    if (result == ANSWER_OK)
        return DONE;
    if (!ferror(stdout))
        output_error(options->json, error);
    return result == ANSWER_ABSENT ? NOT_RUNNING : FAILED;
}

/* ---- Records ---- */

static int show_record(const struct ctl_options *options, const char *command,
                       struct output_record *record)
{
    char error[ANSWER_ERROR_BYTES];
    enum answer_result result = request_record(&options->server, command, record, error);
    if (result == ANSWER_OK)
        output_record_print(stdout, record, options->json ? OUTPUT_JSON : OUTPUT_LINES);
    return conclude(options, result, error);
}

static int show_fields(const struct ctl_options *options, const char *command,
                       const struct output_field *fields, size_t count)
{
    struct output_record record = {.fields = fields, .count = count};
    return show_record(options, command, &record);
}

static int run_status(const struct ctl_options *options)
{
    static const struct output_field fields[] = {
        {"clients", NULL, OUTPUT_NUMBER},  {"max", NULL, OUTPUT_NUMBER},
        {"uptime_s", NULL, OUTPUT_NUMBER}, {"workers", NULL, OUTPUT_NUMBER},
        {"version", NULL, OUTPUT_TEXT},
    };
    return show_fields(options, "status", fields, COUNT(fields));
}

static int run_stats(const struct ctl_options *options)
{
    struct output_field fields[OUTPUT_FIELDS_MAX];
    size_t count = STATS_COUNT;
    assert(count < OUTPUT_FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct output_field){stats_name(i), stats_meaning(i), OUTPUT_NUMBER};
    fields[count++] = (struct output_field){"clients", "clients registered now", OUTPUT_NUMBER};
    struct output_record record = {
        .fields = fields, .count = count, .apart = 1 + STATS_OUTCOME_COUNT};
    return show_record(options, "stats", &record);
}

static int bad_argument(const char *what, const char *value, const char *why)
{
    char shown[200];
    printable_ascii(shown, sizeof shown, value, strlen(value));
    return print_usage_error("bad %s '%s': %s", what, shown, why);
}

/* Reads a client's address; the server knows zones by their number alone. Returns NULL, or what is
 * wrong. */
static const char *read_name(struct client_name *name, const char *text)
{
    char zone[ADDR_ZONE_BYTES];
    const char *wrong = client_name_parse(name, zone, text);
    if (wrong)
        return wrong;
    if (zone[0] != '\0' && (name->addr.scope = socket_zone_index(zone)) == 0)
        return "no such network interface";
    return NULL;
}

/* Writes "VERB ADDRESS" by the first operand. False: it was wrong, and that was said. */
static bool compose(char command[COMMAND_BYTES], const char *verb,
                    const struct ctl_options *options)
{
    struct client_name name;
    char text[TRANSPORT_TEXT_BYTES];
    const char *wrong = read_name(&name, options->operands[0]);
    if (wrong)
        bad_argument("address", options->operands[0], wrong);
    else
        snprintf(command, COMMAND_BYTES, "%s %s", verb, client_name_format(&name, text));
    return !wrong;
}

static int run_kick(const struct ctl_options *options)
{
    static const struct output_field fields[] = {{"kicked", NULL, OUTPUT_NUMBER}};
    char command[COMMAND_BYTES];
    if (!compose(command, "kick", options))
        return EXIT_USAGE;
    return show_fields(options, command, fields, COUNT(fields));
}

static int run_cancel(const struct ctl_options *options)
{
    static const struct output_field fields[] = {{"id", NULL, OUTPUT_NUMBER},
                                                 {"state", NULL, OUTPUT_TEXT}};
    char command[COMMAND_BYTES];
    uint64_t id;
    const char *wrong = number_parse(options->operands[0], 0, UINT64_MAX, &id);
    if (wrong)
        return bad_argument("job", options->operands[0], wrong);
    snprintf(command, sizeof command, "cancel %" PRIu64, id);
    return show_fields(options, command, fields, COUNT(fields));
}

/* ---- Tables ---- */

enum { COLUMN_ADDRESS, COLUMN_LISTENER, COLUMN_IDLE };

static const struct output_field client_fields[] = {
    [COLUMN_ADDRESS] = {"address", "ADDRESS", OUTPUT_TEXT},
    [COLUMN_LISTENER] = {"listener", "LISTENER", OUTPUT_TEXT},
    [COLUMN_IDLE] = {"idle_ms", "IDLE", OUTPUT_MILLISECONDS},
    {"age_s", "AGE", OUTPUT_SECONDS},
    {"received", "RECEIVED", OUTPUT_NUMBER},
};

static int show_table(const struct ctl_options *options, const char *command,
                      struct output_table *table)
{
    char error[ANSWER_ERROR_BYTES];
    table->json = options->json;
    table->out = stdout;
    return conclude(options, request_table(&options->server, command, table, error), error);
}

static int run_clients(const struct ctl_options *options)
{
    struct output_table table = {.key = "client",
                                 .fields = client_fields,
                                 .count = COUNT(client_fields),
                                 .sorted = options->sort != CTL_SORT_NONE,
                                 .sort_by =
                                     options->sort == CTL_SORT_IDLE ? COLUMN_IDLE : COLUMN_ADDRESS,
                                 .limit = options->limit};
    char command[COMMAND_BYTES] = "clients";
    if (options->limit > 0 && !table.sorted)
        snprintf(command, sizeof command, "clients %" PRIu32, options->limit);
    return show_table(options, command, &table);
}

static int run_client(const struct ctl_options *options)
{
    struct output_table table = {
        .key = "client", .fields = client_fields, .count = COUNT(client_fields)};
    char command[COMMAND_BYTES];
    if (!compose(command, "client", options))
        return EXIT_USAGE;
    return show_table(options, command, &table);
}

static int run_jobs(const struct ctl_options *options)
{
    static const struct output_field fields[] = {
        {"id", "ID", OUTPUT_NUMBER},
        {"state", "STATE", OUTPUT_TEXT},
        {"targets", "TARGETS", OUTPUT_NUMBER},
        {"sent", "SENT", OUTPUT_NUMBER},
        {"failed", "FAILED", OUTPUT_NUMBER},
        {"skipped", "SKIPPED", OUTPUT_NUMBER},
        {"duration_ms", "DURATION", OUTPUT_MILLISECONDS},
        {"bytes", "BYTES", OUTPUT_NUMBER},
    };
    struct output_table table = {.key = "job", .fields = fields, .count = COUNT(fields)};
    return show_table(options, "jobs", &table);
}

/* ---- Others ---- */

/* The values of one key, for people a line each, for programs with commas between. */
struct list {
    const char *key;
    bool json;
    FILE *out;
    size_t count;
    bool told;                    /* which file was read, */
    char file[ANSWER_LINE_BYTES]; /* "" if there is none */
};

static const char *list_line(void *state, const char *key, char *value)
{
    struct list *list = state;
    if (strcmp(key, "file") == 0) {
        list->told = true;
        snprintf(list->file, sizeof list->file, "%s", value);
    }
    if (strcmp(key, "restart") != 0 && strcmp(key, "problem") != 0)
        return NULL;
    if (list->json) {
        fputs(list->count > 0 ? "," : "", list->out);
        json_string(list->out, value);
    } else {
        char shown[2 * ANSWER_LINE_BYTES];
        printable_line(shown, sizeof shown, value);
        fprintf(list->out, "%s%s\n", shown, *key == 'r' ? " needs a restart" : "");
    }
    list->count++;
    return NULL;
}

/* A fault of the configuration is a line as compilers have it. */
static void show_problems(const char *error, const char *text)
{
    fflush(stdout);
    print_error_text(error, NULL);
    fputs(text, stderr);
}

static void print_reload_json(bool applied, const struct list *list, const char *text,
                              const char *error)
{
    printf("{\"applied\":%s,\"%s\":[%s", applied ? "true" : "false",
           applied ? "restart" : "problems", text);
    if (!applied && list->count == 0)
        json_string(stdout, error); /* the reason is in the first line alone */
    putchar(']');
    if (list->told) {
        fputs(",\"file\":", stdout);
        if (list->file[0] != '\0')
            json_string(stdout, list->file);
        else
            fputs("null", stdout);
    }
    puts("}");
}

/* What became of a reload that the server has answered. */
static int show_reload(const struct ctl_options *options, bool applied, const struct list *list,
                       const char *text, const char *error)
{
    bool no_file = list->told && list->file[0] == '\0';
    if (options->json)
        print_reload_json(applied, list, text, error);
    else if (applied)
        printf("applied%s\n%s",
               no_file ? "; there is no configuration file (udpsrv -c FILE): the built-in defaults "
                         "and the command line stand"
                       : "",
               text);
    else
        show_problems(error, text);
    return applied ? DONE : FAILED;
}

static int run_reload(const struct ctl_options *options)
{
    char error[ANSWER_ERROR_BYTES], *text = NULL;
    size_t size;
    struct list list = {.json = options->json, .out = open_memstream(&text, &size)};
    if (!list.out)
        return output_error(options->json, "cannot reload: memory is short; free some");
    enum answer_result result = answer_ask(&options->server, "reload", list_line, &list, error);
    int status;
    if (fclose(list.out) != 0)
        status = output_error(options->json, "cannot show the answer: memory is short; free some");
    else if (result == ANSWER_OK || result == ANSWER_REFUSED)
        status = show_reload(options, result == ANSWER_OK, &list, text, error);
    else
        status = conclude(options, result, error);
    free(text);
    return status;
}

static const char *ignore_line(void *state, const char *key, char *value)
{
    (void)state;
    (void)key;
    (void)value;
    return NULL;
}

static int run_stop(const struct ctl_options *options)
{
    char error[ANSWER_ERROR_BYTES];
    enum answer_result result = answer_ask(&options->server, "stop", ignore_line, NULL, error);
    if (result == ANSWER_OK)
        puts(options->json ? "{\"stopping\":true}" : "stopping");
    return conclude(options, result, error);
}

static int run_help(const struct ctl_options *options)
{
    (void)options;
    return ctl_options_help(command_list);
}

/* ---- The table ---- */

static const struct command {
    struct option_command form;
    int operands_min, operands_max;
    int (*run)(const struct ctl_options *options);
} commands[] = {
    {{"status", "", "is it running, for how many clients, since when", 0}, 0, 0, run_status},
    {{"stats", "", "every counter and what it counts", 0}, 0, 0, run_stats},
    {{"clients", "", "the live clients", CTL_LIMIT | CTL_SORT}, 0, 0, run_clients},
    {{"client", "ADDRESS", "one of them", 0}, 1, 1, run_client},
    {{"kick", "ADDRESS", "remove it; it joins anew by its next datagram", 0}, 1, 1, run_kick},
    {{"broadcast", "TEXT", "send a datagram to every client", CTL_STDIN | CTL_HEX | CTL_NO_WAIT},
     0,
     1,
     broadcast_command_run},
    {{"jobs", "", "broadcasts that wait, run, or ended lately", 0}, 0, 0, run_jobs},
    {{"cancel", "ID", "end a broadcast early", 0}, 1, 1, run_cancel},
    {{"watch", "", "all of it, each second: rates, drops, clients, jobs", CTL_COUNT},
     0,
     0,
     watch_command_run},
    {{"reload", "", "read the configuration again", 0}, 0, 0, run_reload},
    {{"stop", "", "end the server", 0}, 0, 0, run_stop},
    {{"help", "", "print this help", 0}, 0, 0, run_help},
};

const struct option_command *command_form(size_t i)
{
    return i < COUNT(commands) ? &commands[i].form : NULL;
}

void command_list(FILE *out)
{
    for (size_t i = 0; i < COUNT(commands); i++) {
        char form[32];
        snprintf(form, sizeof form, "%s %s", commands[i].form.name, commands[i].form.arguments);
        fprintf(out, "  %-16s  %s\n", form, commands[i].form.help);
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

int command_run(const struct ctl_options *options)
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
        return print_usage_error("'%s' takes %s behind it; quote what has blanks",
                                 command->form.name,
                                 command->operands_max > 0 ? "one argument" : "nothing");
    int status = ctl_options_allow(options, command->form.rows);
    if (status < 0)
        status = command->run(options);
    /* Only who asks for the status wants to tell a server that is down from one that fails. */
    return status == NOT_RUNNING && command->run != run_status ? FAILED : status;
}
