/* The configuration's line machine: what lines mean, and every complaint that there is about them.
 */
#include "config/config_parser.h"
#include "config/config_keys.h"
#include "config/config_syntax.h"
#include "text/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 48 }; /* of what a file holds, in a complaint */

/* Stands for the section of a header that was refused: the keys below it are not judged. */
static const char UNKNOWN[] = "";

struct location {
    const char *file;
    uint32_t line, column;
};

/* The name of a file or an option, kept as long as complaints may point to it. */
struct name {
    struct name *next;
    char text[];
};

/* A file being read. */
struct frame {
    struct frame *includer;
    struct location at;  /* of what is being read; column 0 between the lines */
    const char *section; /* NULL: none yet */
};

/* Whether and where a key has been given. */
struct given {
    bool yes;
    struct location at;
};

/* Where the blocks of a list were given, beside it. */
struct places {
    struct location *list;
    size_t count;
};

struct config_parser {
    struct config *config;
    struct config *unused; /* what files say of keys that the command line has set */
    struct given in_files[CONFIG_KEY_COUNT], in_options[CONFIG_KEY_COUNT];
    struct location listen_at[CONFIG_LISTEN_MAX]; /* beside config->server.listen */
    struct places allow_at, deny_at;              /* beside config->admission's lists */
    struct frame *frame;
    struct name *names;
    char *line; /* a copy of the line at hand, cut up in place */
    char *include;
    struct config_diagnostic *diagnoses;
    size_t count, dropped;
    bool has_file; /* there was one, whatever it holds */
    bool no_memory;
};

struct config_parser *config_parser_new(void)
{
    struct config_parser *machine = calloc(1, sizeof *machine);
    if (!machine)
        return NULL;
    machine->config = config_defaults();
    machine->unused = config_defaults();
    machine->line = malloc(CONFIG_LINE_BYTES_MAX + 1);
    machine->diagnoses = calloc(CONFIG_DIAGNOSTICS_MAX, sizeof *machine->diagnoses);
    if (!machine->config || !machine->unused || !machine->line || !machine->diagnoses) {
        config_parser_free(machine);
        return NULL;
    }
    return machine;
}

void config_parser_free(struct config_parser *machine)
{
    if (!machine)
        return;
    while (machine->frame)
        config_parser_file_end(machine);
    while (machine->names) {
        struct name *name = machine->names;
        machine->names = name->next;
        free(name);
    }
    for (size_t i = 0; i < machine->count; i++)
        free(machine->diagnoses[i].text);
    free(machine->diagnoses);
    free(machine->allow_at.list);
    free(machine->deny_at.list);
    free(machine->line);
    config_free(machine->config);
    config_free(machine->unused);
    free(machine);
}

/* Complaints. */

static void print_error(struct config_parser *machine, const struct location *at,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));

static void print_error(struct config_parser *machine, const struct location *at,
                        const char *format, ...)
{
    if (machine->count == CONFIG_DIAGNOSTICS_MAX) {
        machine->dropped++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    char *text;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        machine->no_memory = true;
        return;
    }
    machine->diagnoses[machine->count++] =
        (struct config_diagnostic){at->file, at->line, at->column, text};
}

/* The place of a byte of the line at hand. */
static const struct location *place(struct config_parser *machine, const char *byte)
{
    machine->frame->at.column = (uint32_t)(byte - machine->line) + 1;
    return &machine->frame->at;
}

/* Makes what a file holds fit to be shown. */
static const char *show(char shown[SHOWN_BYTES], const char *bytes, size_t size)
{
    text_escape(shown, SHOWN_BYTES, bytes, size);
    return shown;
}

/* Files. */

static const char *keep_name(struct config_parser *machine, const char *text)
{
    size_t size = strlen(text), room = 4 * size + 4;
    struct name *name = malloc(sizeof *name + room);
    if (!name)
        return NULL;
    text_escape(name->text, room, text, size);
    name->next = machine->names;
    machine->names = name;
    return name->text;
}

bool config_parser_file_begin(struct config_parser *machine, const char *name)
{
    struct frame *frame = calloc(1, sizeof *frame);
    if (!frame)
        return false;
    frame->at.file = keep_name(machine, name);
    frame->section = machine->frame ? machine->frame->section : NULL;
    frame->includer = machine->frame;
    machine->frame = frame;
    machine->has_file = true;
    return frame->at.file != NULL;
}

void config_parser_file_end(struct config_parser *machine)
{
    struct frame *frame = machine->frame;
    machine->frame = frame->includer;
    free(frame);
}

const char *config_parser_include(const struct config_parser *machine)
{
    return machine->include;
}

void config_parser_report(struct config_parser *machine, const char *text)
{
    print_error(machine, &machine->frame->at, "%s", text);
}

/* Sections and keys. */

/* Enters a section; name is NULL if its line was no good. */
static void enter_section(struct config_parser *machine, const char *name)
{
    const char *section = name ? config_section_find(name) : NULL;
    machine->frame->section = section ? section : UNKNOWN;
    if (section || !name)
        return;
    char shown[SHOWN_BYTES];
    const char *meant = config_section_nearest(name);
    print_error(machine, place(machine, name), "unknown section [%s]%s%s%s",
                show(shown, name, strlen(name)), meant ? " (did you mean [" : "",
                meant ? meant : "", meant ? "]?)" : "");
}

/* The key of that name in the section at hand; complains if there is none. */
static const struct config_key *find_key(struct config_parser *machine, const char *name)
{
    const struct location *at = &machine->frame->at;
    const char *section = machine->frame->section;
    const struct config_key *key = section ? config_key_find(section, name) : NULL;
    if (key || section == UNKNOWN)
        return key;

    char shown[SHOWN_BYTES], owners[CONFIG_OWNERS_BYTES];
    const char *meant = section ? config_key_nearest(section, name) : NULL;
    show(shown, name, strlen(name));
    if (config_key_owners(name, owners))
        print_error(machine, at, "'%s' belongs to %s", shown, owners);
    else if (!section)
        print_error(machine, at, "'%s' stands before the first [section]", shown);
    else
        print_error(machine, at, "unknown key '%s' in [%s]%s%s%s", shown, section,
                    meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "");
    return NULL;
}

/* Values. */

static struct given *given_of(struct given table[CONFIG_KEY_COUNT], const struct config_key *key)
{
    return &table[key - config_keys()];
}

/* Begins a value of config, noting in given that and where it comes; a list loses its default.
 * False: a scalar that has its value already. */
static bool begin_value(struct config_parser *machine, const struct config_key *key,
                        struct given *given, struct config *config, const struct location *at)
{
    if (given->yes && !key->type->clear) {
        if (given->at.line > 0)
            print_error(machine, at, "'%s' was given before, at %s:%u", key->name, given->at.file,
                        given->at.line);
        else
            print_error(machine, at, "'%s' was given before", key->name);
        return false;
    }
    if (!given->yes && key->type->clear)
        key->type->clear(config);
    *given = (struct given){.yes = true, .at = *at};
    return true;
}

/* The list beside it has taken an item from there. */
static void keep_place(struct config_parser *machine, struct places *places,
                       const struct location *at)
{
    /* A power of two is where the room ends. */
    if ((places->count & (places->count - 1)) == 0) {
        size_t room = places->count > 0 ? 2 * places->count : 1;
        struct location *list = reallocarray(places->list, room, sizeof *list);
        if (!list) {
            machine->no_memory = true;
            return;
        }
        places->list = list;
    }
    places->list[places->count++] = *at;
}

static void add_item(struct config_parser *machine, const struct config_key *key,
                     struct config *config, const char *item, size_t size,
                     const struct location *at)
{
    char reason[CONFIG_REASON_BYTES], shown[SHOWN_BYTES];
    size_t listen_count = config->server.listen_count;
    int result = config_key_set(key, config, item, size, reason);
    if (result == -ENOMEM)
        machine->no_memory = true;
    else if (result != 0)
        print_error(machine, at, "bad value '%s' for '%s': %s", show(shown, item, size), key->name,
                    reason);
    else if (config == machine->config && config->server.listen_count > listen_count)
        machine->listen_at[listen_count] = *at;
    else if (config == machine->config && key->type == &CONFIG_ALLOW)
        keep_place(machine, &machine->allow_at, at);
    else if (config == machine->config && key->type == &CONFIG_DENY)
        keep_place(machine, &machine->deny_at, at);
}

/* Reads one item of a key's value; complains and returns false if there is none. */
static bool read_item(struct config_parser *machine, const char *key, struct config_item *item,
                      char *value, bool list)
{
    const char *wrong = config_item_read(item, value, list);
    if (wrong) {
        print_error(machine, place(machine, item->wrong), "%s", wrong);
        return false;
    }
    const struct location *at = place(machine, item->start);
    if (item->size == 0 && !item->quoted) {
        print_error(machine, at, "'%s' has no value", key);
        return false;
    }
    return true;
}

static void read_value(struct config_parser *machine, const struct config_key *key, char *value)
{
    const struct location *at = &machine->frame->at;
    bool unused = given_of(machine->in_options, key)->yes;
    struct config *config = unused ? machine->unused : machine->config;
    if (!begin_value(machine, key, given_of(machine->in_files, key), config, at))
        return;

    struct config_item item;
    for (; value; value = item.next) {
        if (!read_item(machine, key->name, &item, value, key->type->clear != NULL))
            return;
        add_item(machine, key, config, item.bytes, item.size, at);
    }
}

static void read_include(struct config_parser *machine, char *value)
{
    struct config_item item;
    if (!read_item(machine, "include", &item, value, false))
        return;
    if (item.size == 0 || memchr(item.bytes, '\0', item.size))
        print_error(machine, &machine->frame->at, "'include' takes a path or a pattern");
    else
        machine->include = item.bytes;
}

static void read_line(struct config_parser *machine, size_t size)
{
    struct config_statement statement;
    const char *wrong = config_statement_read(&statement, machine->line, size);
    if (wrong)
        print_error(machine, place(machine, statement.wrong), "%s", wrong);

    if (statement.form == CONFIG_SECTION) {
        enter_section(machine, statement.name);
    } else if (statement.form == CONFIG_SETTING) {
        place(machine, statement.name);
        if (strcmp(statement.name, "include") == 0) {
            read_include(machine, statement.value);
        } else {
            const struct config_key *key = find_key(machine, statement.name);
            if (key)
                read_value(machine, key, statement.value);
        }
    }
}

/* Takes off what an editor may put before a file of UTF-8, and, where files are put together,
 * before a line of it: U+FEFF, the byte order mark. */
static void skip_byte_order_mark(const char **line, size_t *size)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t length = sizeof mark - 1;
    if (*size >= length && memcmp(*line, mark, length) == 0) {
        *line += length;
        *size -= length;
    }
}

static bool is_utf16(const char *line, size_t size)
{
    return size >= 2 && (memcmp(line, "\xff\xfe", 2) == 0 || memcmp(line, "\xfe\xff", 2) == 0);
}

enum config_parser_next config_parser_line(struct config_parser *machine, const char *line,
                                           size_t size)
{
    machine->frame->at.line++;
    machine->frame->at.column = 0;
    machine->include = NULL;
    skip_byte_order_mark(&line, &size);
    if (size > 0 && line[size - 1] == '\r')
        size--;
    if (size > CONFIG_LINE_BYTES_MAX) {
        machine->frame->at.column = CONFIG_LINE_BYTES_MAX + 1;
        print_error(machine, &machine->frame->at, "a line of %zu bytes; the limit is %d", size,
                    CONFIG_LINE_BYTES_MAX);
    } else if (machine->frame->at.line == 1 && is_utf16(line, size)) {
        machine->frame->at.column = 1;
        print_error(machine, &machine->frame->at, "this is UTF-16: save the file as UTF-8");
    } else {
        memcpy(machine->line, line, size);
        machine->line[size] = '\0';
        read_line(machine, size);
    }
    if (machine->no_memory)
        return CONFIG_NO_MEMORY;
    return machine->include ? CONFIG_INCLUDE : CONFIG_NEXT;
}

bool config_parser_override(struct config_parser *machine, const char *where, const char *section,
                            const char *name, const char *value)
{
    const struct config_key *key = config_key_find(section, name);
    struct location at = {.file = keep_name(machine, where)};
    assert(key && !machine->frame);
    if (!at.file)
        return false;
    if (begin_value(machine, key, given_of(machine->in_options, key), machine->config, &at))
        add_item(machine, key, machine->config, value, strlen(value), &at);
    return !machine->no_memory;
}

/* The end. */

/* The interface may stand in a key of its own. */
static void check_multicast(struct config_parser *machine)
{
    const struct config_listen *group = &machine->config->broadcast.multicast;
    if (!addr_is_link_group(&group->addr) || group->addr.scope != 0 || group->zone[0] != '\0' ||
        machine->config->broadcast.multicast_interface != NULL)
        return;
    const struct config_key *key = config_key_find("broadcast", "multicast");
    print_error(
        machine, &given_of(machine->in_files, key)->at,
        "a group of one link needs its interface: give 'multicast-interface', or write it as "
        "in [ff02::1%%eth0]:3000");
}

/* A policy that was meant, however badly written, is a complaint already. */
static void check_admission(struct config_parser *machine)
{
    const struct config *config = machine->config;
    const struct config_key *policy = config_key_find("admission", "policy");
    if (given_of(machine->in_files, policy)->yes || given_of(machine->in_options, policy)->yes)
        return;
    size_t first, exposed = config_exposed(config, &first);
    if (exposed == 0)
        return;
    char text[CONFIG_LISTEN_TEXT_BYTES], others[32] = "";
    if (exposed > 1)
        snprintf(others, sizeof others, " and %zu more", exposed - 1);
    print_error(
        machine, &machine->listen_at[first],
        "other hosts can reach %s%s, so the configuration must say whom to admit; %s (or, on a "
        "network where nobody forges addresses, with 'policy = open'):\n    [admission]\n"
        "    policy = cookie",
        config_listen_text(&config->server.listen[first], text), others,
        machine->has_file ? "add these two lines"
                          : "write these two lines into a file and name that by -c, "
                            "like the sample internet.conf");
}

static int order_blocks(const void *a, const void *b)
{
    return cidr_compare(a, b);
}

/* Finds the first block of deny that is in allow, too. False if there is none, or no memory. */
static bool find_disputed(struct config_parser *machine, size_t *allowed, size_t *denied)
{
    const struct config_blocks *allow = &machine->config->admission.allow,
                               *deny = &machine->config->admission.deny;
    if (allow->count == 0 || deny->count == 0)
        return false;
    struct cidr *sorted = calloc(allow->count, sizeof *sorted);
    if (!sorted) {
        machine->no_memory = true;
        return false;
    }
    memcpy(sorted, allow->list, allow->count * sizeof *sorted);
    qsort(sorted, allow->count, sizeof *sorted, order_blocks);
    for (*denied = 0; *denied < deny->count; ++*denied)
        if (bsearch(&deny->list[*denied], sorted, allow->count, sizeof *sorted, order_blocks))
            break;
    free(sorted);
    if (*denied == deny->count)
        return false;
    for (*allowed = 0; order_blocks(&allow->list[*allowed], &deny->list[*denied]) != 0;)
        ++*allowed;
    return true;
}

static void check_blocks(struct config_parser *machine)
{
    char text[CIDR_TEXT_BYTES];
    size_t allowed, denied;
    if (machine->no_memory || !find_disputed(machine, &allowed, &denied))
        return;
    const struct location *at = &machine->allow_at.list[allowed];
    print_error(machine, &machine->deny_at.list[denied],
                "%s is in 'deny' here and in 'allow' at %s:%u: take one of them out",
                cidr_format(&machine->config->admission.deny.list[denied], text), at->file,
                at->line);
}

/* The defaults that hang on another key. */
static void complete(struct config_parser *machine)
{
    const struct config_key *key = config_key_find("admission", "per-prefix");
    struct config *config = machine->config;
    if (!given_of(machine->in_files, key)->yes && config->admission.policy == POLICY_COOKIE)
        config->admission.per_prefix = CONFIG_PER_PREFIX_COOKIE;
}

struct config *config_parser_finish(struct config_parser *machine)
{
    assert(machine->config);
    check_multicast(machine);
    check_admission(machine);
    check_blocks(machine);
    complete(machine);
    if (machine->count > 0 || machine->no_memory)
        return NULL;
    struct config *config = machine->config;
    machine->config = NULL;
    return config;
}

const struct config_diagnostic *config_parser_diagnostics(const struct config_parser *machine,
                                                          size_t *count, size_t *dropped)
{
    *count = machine->count;
    *dropped = machine->dropped;
    return machine->diagnoses;
}
