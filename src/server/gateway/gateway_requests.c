#include "server/gateway/gateway_requests.h"

#include "server/control/arguments/hex_payload.h"
#include "server/control/commands/broadcast_submission.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool wrong_request(char wrong[GATEWAY_WRONG_BYTES],
                                                                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wrong, GATEWAY_WRONG_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool parse_payload(struct gateway_request *request, const char *verb, char *hex,
                          char wrong[GATEWAY_WRONG_BYTES])
{
    request->bytes = (const uint8_t *)hex;
    return hex_payload_decode(hex, &request->size) ||
           wrong_request(wrong, "cannot %s: the payload is invalid; give " HEX_PAYLOAD_FORM, verb);
}

static bool parse_send(struct gateway_request *request, const struct client_names *names,
                       char *arguments, char wrong[GATEWAY_WRONG_BYTES])
{
    char *hex = NULL, shown[128], wrong_words[CONFIRM_WRONG_BYTES];
    const char *address = strtok_r(arguments, " \t", &hex);
    if (address == NULL)
        return wrong_request(wrong, "cannot send: the address is missing; `clients` lists the "
                                    "registered clients");
    hex = confirm_arguments_parse(&request->confirm, hex, wrong_words);
    if (hex == NULL && wrong_words[0] != '\0')
        return wrong_request(wrong, "cannot send: %s", wrong_words);
    const char *why = client_argument_parse(&request->client, names, address);
    if (why == NULL)
        return parse_payload(request, "send", hex, wrong);
    printable_ascii(shown, sizeof shown, address, strlen(address));
    return wrong_request(wrong, "cannot send to '%s': %s; `clients` lists the registered clients",
                         shown, why);
}

static bool parse_broadcast(struct gateway_request *request, const struct listeners *listeners,
                            char *arguments, char wrong[GATEWAY_WRONG_BYTES])
{
    char why[SELECTOR_WRONG_BYTES];
    char *hex = key_arguments_parse(&request->key, arguments, why);
    if (hex != NULL)
        hex = confirm_arguments_parse(&request->confirm, hex, why);
    if (hex != NULL)
        hex = selector_arguments_parse(&request->selector, listeners, hex, why);
    if (hex == NULL)
        return wrong_request(wrong, "cannot broadcast: %s", why);
    if (!parse_payload(request, "broadcast", hex, wrong))
        return false;
    return !request->confirm.confirms || request->size <= JOB_CONFIRMED_BYTES_MAX ||
           wrong_request(wrong, "%s", BROADCAST_CONFIRMED_TOO_LONG);
}

/* Parses an id, or "-" for none. */
static bool parse_bound(struct entry_id *id, const char *text)
{
    return strcmp(text, "-") == 0 || entry_id_parse(id, text) == NULL;
}

static bool parse_gap(struct gateway_request *request, char *arguments,
                      char wrong[GATEWAY_WRONG_BYTES])
{
    enum { STREAM, AFTER, BEFORE, MISSING, ENTRIES, WORDS };
    struct publish_gap *gap = &request->gap;
    char *words[WORDS] = {NULL}, *rest = arguments;
    size_t count = 0;
    for (char *word; count <= WORDS && (word = strtok_r(NULL, " \t", &rest)) != NULL; count++)
        if (count < WORDS)
            words[count] = word;
    bool is_valid = count == WORDS && device_name_parse(&gap->stream, words[STREAM]) == NULL &&
                    parse_bound(&gap->after, words[AFTER]) &&
                    parse_bound(&gap->before, words[BEFORE]) &&
                    number_parse(words[ENTRIES], 0, UINT64_MAX, &gap->entries) == NULL;
    gap->is_other_stream = is_valid && strcmp(words[MISSING], "-") == 0;
    if (is_valid && (gap->is_other_stream ||
                     number_parse(words[MISSING], 1, UINT64_MAX, &gap->missing) == NULL))
        return true;
    return wrong_request(wrong,
                         "cannot count the gap: its words are invalid; give `gap REF STREAM "
                         "AFTER BEFORE MISSING ENTRIES-ADDED`, with - for what is not known");
}

bool gateway_requests_parse(struct gateway_request *request, const struct listeners *listeners,
                            const struct client_names *names, char *line, size_t size,
                            char wrong[GATEWAY_WRONG_BYTES])
{
    char *rest = NULL;
    *request = (struct gateway_request){.ref = "-"};
    if (strlen(line) != size)
        return wrong_request(wrong, "cannot read the request: it contains a NUL byte; send the "
                                    "payload as hexadecimal digits");
    const char *verb = strtok_r(line, " \t", &rest);
    if (verb != NULL && strcmp(verb, "end") == 0) {
        request->kind = GATEWAY_END;
        return rest[strspn(rest, " \t")] == '\0' ||
               wrong_request(wrong,
                             "cannot end: nothing may follow `end`; send it as a line of its own");
    }
    const char *ref = verb != NULL ? strtok_r(NULL, " \t", &rest) : NULL;
    if (ref == NULL || strlen(ref) > GATEWAY_REF_BYTES)
        return wrong_request(wrong,
                             "cannot read the request: its reference is missing or longer than %d "
                             "bytes; give `send REF ADDRESS HEX`, `broadcast REF HEX` or `end`",
                             GATEWAY_REF_BYTES);
    request->ref = ref;
    if (strcmp(verb, "send") == 0)
        return parse_send(request, names, rest, wrong);
    if (strcmp(verb, "gap") == 0) {
        request->kind = GATEWAY_GAP;
        return parse_gap(request, rest, wrong);
    }
    request->kind = GATEWAY_BROADCAST;
    if (strcmp(verb, "broadcast") == 0)
        return parse_broadcast(request, listeners, rest, wrong);
    return wrong_request(wrong, "cannot read the request: it is unknown; give `send REF ADDRESS "
                                "HEX`, `broadcast REF HEX` or `end`");
}
