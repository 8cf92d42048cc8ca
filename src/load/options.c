#include "load/options.h"

#include "base/version.h"
#include "load/option_value_parser.h"
#include "load/report/shell_quote.h"
#include "os/file/file.h"
#include "os/log/error_message.h"
#include "text/bad_value.h"
#include "text/number_with_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTINUE = -1, FIND_MAX_LOSS_PPM = 1000 };

static const uint64_t MS_NS = 1000000;

enum option_index {
    CLIENTS,
    SOURCE,
    RATE,
    POISSON,
    SEED,
    OUTSTANDING,
    DURATION,
    COUNT,
    TIMEOUT,
    OMIT,
    INTERVAL,
    THREADS,
    MESSAGE,
    SIZE,
    EXPECT,
    FIND_MAX,
    MAX_LOSS,
    FANOUT,
    CONFIRM,
    DROP,
    CONTROL,
    JSON,
    HDR,
    HTML,
    IPV4,
    IPV6,
    HELP,
    VERSION,
    ROWS
};

static const struct option_row rows[ROWS] = {
    [CLIENTS] = {'c', "clients", "N", "simulate N clients, each with its own source (1000)"},
    [SOURCE] = {0, "source", "ADDR", "send from this local address; may be repeated"},
    [RATE] = {'Q', "rate", "RATE", "requests per second, independent of replies (1000); or 'max'"},
    [POISSON] = {0, "poisson", NULL, "random gaps (Poisson) instead of equal ones"},
    [SEED] = {0, "seed", "N", "seed of the random gaps, and of --drop (1)"},
    [OUTSTANDING] = {'q', "outstanding", "N", "with -Q max: unanswered requests at a time (256)"},
    [DURATION] = {'l', "duration", "TIME", "send for this long (10s, unless -n is given)"},
    [COUNT] = {'n', "count", "N", "send N requests; with --fanout: N broadcasts (1)"},
    [TIMEOUT] = {'t', "timeout", "TIME", "a request without a reply by then is lost (1s)"},
    [OMIT] = {'O', "omit", "TIME", "warm up for this long first; not in the report"},
    [INTERVAL] = {'S', "interval", "TIME", "report each interval of this length, too"},
    [THREADS] = {'T', "threads", "N", "send from N threads (1)"},
    [MESSAGE] = {'m', "message", "TEXT", "the request (hi)"},
    [SIZE] = {0, "size", "BYTES", "repeat the request up to this size; 1k is 1024"},
    [EXPECT] = {0, "expect", "A,B,...", "the expected replies; others count as wrong"},
    [FIND_MAX] = {0, "find-max", NULL, "search for the highest rate that holds, from RATE up"},
    [MAX_LOSS] = {0, "max-loss", "PERCENT",
                  "tolerate this loss (--find-max: 0.1%; else all but one)"},
    [FANOUT] = {0, "fanout", NULL, "have the server broadcast, and count the copies"},
    [CONFIRM] = {0, "confirm", NULL, "--fanout: broadcasts that the clients confirm"},
    [DROP] = {0, "drop", "PERCENT", "--confirm: lose this share of frames and confirmations"},
    [CONTROL] = {0, "control", "PATH", "--fanout: the control socket of udpsrv"},
    [JSON] = {0, "json", "FILE", "write a report as JSON"},
    [HDR] = {0, "hdr", "FILE", "write latency by percentile, for HdrHistogram plotters"},
    [HTML] = {0, "html", "FILE", "write a report as a web page"},
    [IPV4] = {'4', "ipv4", NULL, "use IPv4 only"},
    [IPV6] = {'6', "ipv6", NULL, "use IPv6 only"},
    [HELP] = {'h', "help", NULL, "print this help"},
    [VERSION] = {'V', "version", NULL, "print the version"},
};

const struct option_row *load_options_rows(size_t *count)
{
    *count = ROWS;
    return rows;
}

static int help(void)
{
    char text[4096];
    option_parser_help(text, sizeof text, rows, ROWS);
    printf("Usage: udpload [OPTION]... HOST[:PORT]\n"
           "Sends requests to a UDP service (port %d unless given), matches the replies, and\n"
           "reports loss and latency.\n\n%s\n"
           "TIME: 500ms, 10s, 5m; a bare number is seconds.\n"
           "FILE: '-' is standard output, which then has only that report.\n"
           "Exit status: 0 done, 1 failed, 2 wrong usage, 3 the sender itself did not keep up,\n"
           "4 nothing was answered, or more was lost than --max-loss allows.\n",
           LOAD_PORT, text);
    return LOAD_DONE;
}

static int wrong_usage(const char *what)
{
    print_usage_error("%s", what);
    return LOAD_USAGE;
}

static int wrong_value(const char *what, const char *value, const char *why)
{
    char text[512];
    return wrong_usage(bad_value_message(text, sizeof text, what, value, why));
}

/* ---- Values: each function returns NULL, or what is wrong ---- */

static const char *add_source(struct load_options *options, const char *text)
{
    if (options->source_count == LOAD_SOURCES_MAX)
        return "there are more than 64";
    struct addr *source = &options->sources[options->source_count];
    const char *wrong = addr_parse(source, options->source_zones[options->source_count], text, 0);
    if (wrong)
        return wrong;
    options->source_count++;
    return source->port ? "it must not have a port: each client has its own" : NULL;
}

/* ---- The command line ---- */

/* The options that were given, and values that are applied after the last one. */
struct given {
    bool rows[ROWS];
    const char *message;
    uint64_t size;
};

static const char *read_message(struct given *given, const char *text)
{
    given->message = text;
    return strlen(text) > LOAD_MESSAGE_BYTES_MAX ? "it is longer than a datagram can be" : NULL;
}

static const char *read_size(struct given *given, const char *text)
{
    const char *wrong = size_parse(text, &given->size);
    if (wrong)
        return wrong;
    return given->size > LOAD_MESSAGE_BYTES_MAX ? "a datagram has 65507 bytes at most" : NULL;
}

/* Standard output may have another name: it must not be replaced by a temporary file. */
static const char *apply_file(struct load_options *options, int row, const char *value)
{
    if (*value == '\0')
        return "the name is empty";
    if (row != CONTROL && file_same(value, "/dev/stdout"))
        value = LOAD_STANDARD_OUTPUT;
    if (row == JSON)
        options->json = value;
    else if (row == HDR)
        options->hdr = value;
    else if (row == HTML)
        options->html = value;
    else
        options->control = value;
    return NULL;
}

static const char *apply_number(struct load_options *options, int row, const char *value)
{
    switch (row) {
    case CLIENTS:
        return option_value_parse_number(value, REPLY_MATCH_CLIENTS_MAX, &options->clients)
                   ? NULL
                   : "it is not a number from 1 to 67108864";
    case OUTSTANDING:
        return option_value_parse_number(value, 1000000, &options->outstanding)
                   ? NULL
                   : "it is not a number from 1 to 1000000";
    case THREADS:
        return option_value_parse_number(value, LOAD_THREADS_MAX, &options->threads)
                   ? NULL
                   : "it is not a number from 1 to 64";
    case COUNT:
        return number_parse(value, 1, UINT64_MAX / 2, &options->count);
    case SEED:
        return number_parse(value, 0, UINT64_MAX, &options->seed);
    case RATE:
        return option_value_parse_rate(value, &options->rate);
    case MAX_LOSS:
        return option_value_parse_percent(value, &options->max_loss_ppm);
    case DROP:
        return option_value_parse_percent(value, &options->drop_ppm);
    case DURATION:
        return option_value_parse_duration(value, 1, &options->duration_ns);
    case TIMEOUT:
        return option_value_parse_duration(value, 1, &options->timeout_ns);
    case OMIT:
        return option_value_parse_duration(value, 0, &options->omit_ns);
    default:
        return option_value_parse_duration(value, 10, &options->interval_ns);
    }
}

/* Applies one option. Returns NULL, or what is wrong with its value. */
static const char *apply(struct load_options *options, struct given *given, int row,
                         const char *value)
{
    switch (row) {
    case SOURCE:
        return add_source(options, value);
    case MESSAGE:
        return read_message(given, value);
    case SIZE:
        return read_size(given, value);
    case EXPECT:
        return option_value_parse_replies(value, options->expected, &options->expected_count);
    case JSON:
    case HDR:
    case HTML:
    case CONTROL:
        return apply_file(options, row, value);
    case POISSON:
        options->poisson = true;
        return NULL;
    case FIND_MAX:
        options->find_max = true;
        return NULL;
    case FANOUT:
        options->fanout = true;
        return NULL;
    case CONFIRM:
        options->confirm = true;
        return NULL;
    case IPV4:
    case IPV6:
        options->family = row == IPV4 ? ADDR_IPV4 : ADDR_IPV6;
        return NULL;
    default:
        return apply_number(options, row, value);
    }
}

static bool are_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Returns whether the text report is printed: no other report is written to standard output. */
static bool has_text(const struct load_options *options)
{
    return !are_same(options->json, LOAD_STANDARD_OUTPUT) &&
           !are_same(options->hdr, LOAD_STANDARD_OUTPUT) &&
           !are_same(options->html, LOAD_STANDARD_OUTPUT);
}

/* Refuses options that exclude or need each other. */
static int check_form(const struct load_options *options, const bool *given)
{
    static const struct {
        int row, other;
        bool excludes; /* else: needs */
        const char *what;
    } rules[] = {
        {CONTROL, FANOUT, false, "--control needs --fanout"},
        {CONFIRM, FANOUT, false, "--confirm needs --fanout"},
        {DROP, CONFIRM, false, "--drop needs --confirm"},
        {FIND_MAX, FANOUT, true, "--find-max and --fanout are different measurements"},
        {FIND_MAX, COUNT, true, "--find-max limits its steps by -l, not by -n"},
        {FANOUT, DURATION, true, "--fanout ends with its last broadcast; -n sets their number"},
        {FANOUT, OMIT, true, "--fanout has no warm-up"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (given[rules[i].row] && given[rules[i].other] == rules[i].excludes)
            return wrong_usage(rules[i].what);
    if (given[SEED] && !given[POISSON] && !given[DROP])
        return wrong_usage("--seed needs --poisson or --drop");
    if (options->rate == 0 && (options->poisson || options->find_max))
        return wrong_usage("-Q max has no schedule, which --poisson and --find-max need");
    if (options->rate != 0 && given[OUTSTANDING])
        return wrong_usage("-q needs -Q max; a rate does not wait for replies");
    if (options->rate == 0 && options->outstanding < options->threads)
        return wrong_usage("there are fewer requests at a time (-q) than threads (-T)");
    if (are_same(options->json, options->hdr) || are_same(options->hdr, options->html) ||
        are_same(options->html, options->json))
        return wrong_usage("--json, --hdr and --html need a file each");
    if (options->clients < options->threads)
        return wrong_usage("there are fewer clients (-c) than threads (-T)");
    if (options->duration_ns != UINT64_MAX &&
        options->duration_ns / options->interval_ns > LOAD_INTERVALS_MAX)
        return wrong_usage("-S divides the duration into more than 100000 intervals");
    for (size_t i = 0; i < options->source_count; i++)
        if (options->target.addr.family &&
            options->sources[i].family != options->target.addr.family)
            return wrong_usage("--source and HOST are of different families");
    return CONTINUE;
}

/* Returns the expected duration of the run, or UINT64_MAX if it is not known. */
static uint64_t likely_duration_ns(const struct load_options *options)
{
    const uint64_t second_ns = 1000 * MS_NS;
    if (options->duration_ns != UINT64_MAX || options->rate == 0)
        return options->duration_ns;
    uint64_t seconds = options->count / options->rate;
    return seconds < UINT64_MAX / second_ns
               ? seconds * second_ns + options->count % options->rate * second_ns / options->rate
               : UINT64_MAX;
}

/* Short runs have shorter intervals, so that their charts have enough points. */
static uint64_t usual_interval_ns(uint64_t duration_ns)
{
    if (duration_ns <= 20000 * MS_NS)
        return 100 * MS_NS;
    return (duration_ns <= 300000 * MS_NS || duration_ns == UINT64_MAX ? 1000 : 10000) * MS_NS;
}

/* Sets the defaults that depend on other options. */
static void complete(struct load_options *options, const bool *given)
{
    if (options->fanout) {
        options->broadcasts = given[COUNT] ? options->count : 1;
        options->count = options->clients; /* one request each */
        if (!given[RATE])
            options->rate = 0;
    } else if (!given[DURATION] && !given[COUNT]) {
        options->duration_ns = (options->find_max ? 2000 : 10000) * MS_NS;
    }
    if (options->find_max && !given[MAX_LOSS])
        options->max_loss_ppm = FIND_MAX_LOSS_PPM;
    options->text = has_text(options);
    options->interval_given = given[INTERVAL];
    if (!given[INTERVAL])
        options->interval_ns = usual_interval_ns(likely_duration_ns(options));
}

static int make_message(struct load_options *options, const struct given *given)
{
    size_t length = strlen(given->message);
    size_t size = given->rows[SIZE] ? (size_t)given->size : length;
    if (size < length)
        return wrong_usage("--size is less than the length of the message");
    if (length == 0 && size > 0)
        return wrong_usage("--size needs a message to repeat");
    options->message = malloc(size + 1);
    if (!options->message)
        return wrong_usage("not enough memory");
    for (size_t i = 0; i < size; i++)
        options->message[i] = given->message[i % length];
    options->message_size = size;
    return CONTINUE;
}

static int read_operands(struct load_options *options, const struct option_parser *line)
{
    int count;
    char **operands = option_parser_operands(line, &count);
    if (count != 1)
        return wrong_usage(count ? "there is more than one HOST" : "HOST is missing");
    options->host = operands[0];
    const char *wrong = target_parse(&options->target, operands[0], LOAD_PORT);
    int family = options->target.addr.family;
    if (!wrong && family && options->family && family != options->family)
        wrong = "it is not of the family that -4 or -6 asks for";
    return wrong ? wrong_value("address", operands[0], wrong) : CONTINUE;
}

static int finish(struct load_options *options, const struct option_parser *line,
                  const struct given *given)
{
    int status = read_operands(options, line);
    if (status != CONTINUE)
        return status;
    complete(options, given->rows);
    status = check_form(options, given->rows);
    if (status != CONTINUE)
        return status;
    if (options->fanout && !options->control) {
        if (control_path_default(options->control_built_in, CONTROL_PATH_BYTES) != 0)
            return wrong_usage("XDG_RUNTIME_DIR is too long for a socket; --control names another");
        options->control = options->control_built_in;
    }
    return make_message(options, given);
}

int load_options_read(struct load_options *options, int argc, char **argv)
{
    struct option_parser line;
    struct given given = {.message = "hi"};
    *options = (struct load_options){
        .clients = 1000,
        .rate = 1000,
        .seed = 1,
        .outstanding = 256,
        .duration_ns = UINT64_MAX,
        .count = UINT64_MAX,
        .timeout_ns = 1000 * MS_NS,
        .threads = 1,
        .max_loss_ppm = LOAD_LOSS_ANY,
        .command = shell_quote_command(argc, argv),
    };
    option_parser_init(&line, argc, argv, rows, ROWS);
    for (int row; (row = option_parser_next(&line)) != OPTION_PARSER_END;) {
        if (row == OPTION_PARSER_ERROR)
            return wrong_usage(line.error);
        if (row == HELP)
            return help();
        if (row == VERSION) {
            puts("udpload " UDPSRV_VERSION);
            return LOAD_DONE;
        }
        given.rows[row] = true;
        const char *wrong = apply(options, &given, row, line.value);
        if (wrong) {
            char name[32];
            snprintf(name, sizeof name, "--%s", rows[row].name);
            return wrong_value(name, line.value, wrong);
        }
    }
    return finish(options, &line, &given);
}

void load_options_free(struct load_options *options)
{
    free(options->message);
    free(options->command);
    options->message = options->command = NULL;
}
