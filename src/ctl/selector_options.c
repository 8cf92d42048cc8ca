#include "ctl/selector_options.h"

#include "address/transport.h"
#include "config/config.h"
#include "text/number_with_unit.h"

#include <stdio.h>
#include <string.h>

const char *selector_options_add_block(struct selector_options *selector, const char *block)
{
    struct cidr read;
    const char *wrong = cidr_parse(&read, block);
    if (wrong == NULL && selector->block_count == CLIENT_SELECTOR_BLOCKS_MAX)
        wrong = "more than 16 blocks";
    if (wrong == NULL)
        selector->blocks[selector->block_count++] = read;
    return wrong;
}

const char *selector_options_set_listener(struct selector_options *selector, const char *listener)
{
    enum transport transport;
    struct addr addr;
    char zone[ADDR_ZONE_BYTES];
    const char *rest = transport_split(listener, &transport);
    const char *wrong = transport == TRANSPORT_UNIX ? transport_check_path(rest)
                                                    : addr_parse(&addr, zone, rest, CONFIG_PORT);
    if (wrong == NULL && selector->listener != NULL)
        wrong = "a second listener";
    if (wrong == NULL)
        selector->listener = listener;
    return wrong;
}

const char *selector_options_set_idle_max(struct selector_options *selector, const char *duration)
{
    const char *wrong = duration_parse(duration, 1000, &selector->idle_max_ms);
    selector->has_idle_max |= wrong == NULL;
    return wrong;
}

bool selector_options_are_given(const struct selector_options *selector)
{
    return selector->block_count > 0 || selector->listener != NULL || selector->has_idle_max;
}

static void append(char words[SELECTOR_OPTIONS_WORDS_BYTES], const char *name, const char *value)
{
    size_t used = strlen(words);
    snprintf(words + used, SELECTOR_OPTIONS_WORDS_BYTES - used, " %s=%s", name, value);
}

const char *selector_options_format(const struct selector_options *selector,
                                    char words[SELECTOR_OPTIONS_WORDS_BYTES])
{
    char block[CIDR_TEXT_BYTES], duration[24];
    words[0] = '\0';
    for (size_t i = 0; i < selector->block_count; i++)
        append(words, "to", cidr_format(&selector->blocks[i], block));
    if (selector->listener != NULL)
        append(words, "listener", selector->listener);
    if (selector->has_idle_max)
        append(words, "idle-max", duration_format(selector->idle_max_ms, duration));
    return words;
}
