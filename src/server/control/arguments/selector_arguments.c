#include "server/control/arguments/selector_arguments.h"

#include "text/bad_value.h"
#include "text/number_with_unit.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)CONFIG_LISTEN_MAX <= (int)CLIENT_SELECTOR_LISTENERS_MAX,
               "each listener has a bit in a selector");

/* What is read, and what is known while words are read. */
struct reading {
    struct client_selector *selector;
    const struct listeners *listeners;
    char *why; /* the reason and the next step of a message */
};

enum {
    LISTED_BYTES = 512, /* of a message: the names of some listeners, of which one has 129 bytes */
    WHY_BYTES = LISTED_BYTES + 128,
};

/* ---- the words ---- */

static bool refuse(const struct reading *reading, const char *why, const char *advice)
{
    snprintf(reading->why, WHY_BYTES, "%s; %s", why, advice);
    return false;
}

static bool read_block(const struct reading *reading, const char *text)
{
    struct client_selector *selector = reading->selector;
    struct cidr block;
    const char *wrong = cidr_parse(&block, text);
    if (wrong != NULL)
        return refuse(reading, wrong, "give a block or an address, as in to=192.0.2.0/24");
    if (selector->block_count == CLIENT_SELECTOR_BLOCKS_MAX)
        return refuse(reading, "more than 16 blocks", "give wider ones, or use several commands");
    selector->blocks[selector->block_count++] = block;
    return true;
}

/* Whether the text is another form of the listener's address. */
static bool is_address_of(const struct listener *listener, const char *text)
{
    enum transport transport;
    struct addr addr;
    char zone[ADDR_ZONE_BYTES];
    const char *rest = transport_split(text, &transport);
    if (transport == TRANSPORT_UNIX || transport != listener->transport ||
        addr_parse(&addr, zone, rest, CONFIG_PORT) != NULL)
        return false;
    if (zone[0] != '\0') {
        if (strcmp(zone, listener->zone) != 0)
            return false;
        addr.scope = listener->bound.scope;
    }
    return addr_equal(&addr, &listener->bound);
}

static bool refuse_listener(const struct reading *reading)
{
    const struct listeners *listeners = reading->listeners;
    char advice[LISTED_BYTES] = "give one of: ";
    size_t used = strlen(advice);
    for (size_t i = 0; i < listeners->count; i++) {
        const char *text = listeners->list[i].text;
        /* Space for a further name, and for the end of the list. */
        if (used + 2 * sizeof listeners->list[i].text > sizeof advice) {
            snprintf(advice + used, sizeof advice - used, " and %zu more", listeners->count - i);
            break;
        }
        used +=
            (size_t)snprintf(advice + used, sizeof advice - used, "%s%s", i > 0 ? ", " : "", text);
    }
    return refuse(reading, "no such listener", advice);
}

static bool read_listener(const struct reading *reading, const char *text)
{
    const struct listeners *listeners = reading->listeners;
    if (reading->selector->listeners != UINT64_MAX)
        return refuse(reading, "a second listener", "give one, or none for all of them");
    for (size_t i = 0; i < listeners->count; i++) {
        if (strcmp(listeners->list[i].text, text) != 0 && !is_address_of(&listeners->list[i], text))
            continue;
        reading->selector->listeners = UINT64_C(1) << i;
        return true;
    }
    return refuse_listener(reading);
}

static bool read_idle_max(const struct reading *reading, const char *text)
{
    uint64_t *idle_max_ms = &reading->selector->idle_max_ms;
    if (*idle_max_ms != UINT64_MAX)
        return refuse(reading, "a second duration", "give one, or none");
    const char *wrong = duration_parse(text, 1000, idle_max_ms);
    if (wrong != NULL)
        return refuse(reading, wrong, "give a duration, as in idle-max=90s");
    return true;
}

static bool read_word(const struct reading *reading, const char *word)
{
    static const struct {
        const char *name;
        bool (*read)(const struct reading *reading, const char *text);
    } words[] = {{"to=", read_block}, {"listener=", read_listener}, {"idle-max=", read_idle_max}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i].name);
        if (strncmp(word, words[i].name, length) == 0)
            return words[i].read(reading, word + length);
    }
    return refuse(reading, "no such selector",
                  "give to=BLOCK, listener=ADDRESS or idle-max=DURATION");
}

/* ---- the line ---- */

char *selector_arguments_parse(struct client_selector *selector, const struct listeners *listeners,
                               char *arguments, char wrong[SELECTOR_WRONG_BYTES])
{
    char why[WHY_BYTES];
    const struct reading reading = {selector, listeners, why};
    *selector = client_selector_all();
    for (;;) {
        arguments += strspn(arguments, " \t");
        size_t length = strcspn(arguments, " \t");
        if (memchr(arguments, '=', length) == NULL)
            return arguments;
        char *rest = arguments + length;
        if (*rest != '\0')
            *rest++ = '\0';
        if (!read_word(&reading, arguments)) {
            bad_value_message(wrong, SELECTOR_WRONG_BYTES, "selector", arguments, why);
            return NULL;
        }
        arguments = rest;
    }
}

/* Appends a word, with a comma before it if it is not the first one. */
static void append(char text[SELECTOR_TEXT_BYTES], const char *name, const char *value)
{
    size_t used = strlen(text);
    snprintf(text + used, SELECTOR_TEXT_BYTES - used, "%s%s%s", used > 0 ? "," : "", name, value);
}

const char *selector_arguments_format(const struct client_selector *selector,
                                      const struct listeners *listeners,
                                      char text[SELECTOR_TEXT_BYTES])
{
    char block[CIDR_TEXT_BYTES], duration[24];
    text[0] = '\0';
    for (size_t i = 0; i < selector->block_count; i++)
        append(text, "to=", cidr_format(&selector->blocks[i], block));
    for (size_t i = 0; selector->listeners != UINT64_MAX && i < listeners->count; i++) {
        if ((selector->listeners >> i & 1) == 0)
            continue;
        append(text, "listener=", listeners->list[i].text);
        break;
    }
    if (selector->idle_max_ms != UINT64_MAX)
        append(text, "idle-max=", duration_format(selector->idle_max_ms, duration));
    return text;
}
