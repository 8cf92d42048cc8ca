#include "ctl/gateway/gateway_translation.h"

#include "address/device_name.h"
#include "address/publish_key.h"
#include "config/config.h"
#include "ctl/events/event_members.h"
#include "ctl/output/json.h"
#include "text/hex.h"
#include "text/json_reader.h"
#include "text/printable.h"
#include "wire/frame.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

enum {
    SELECTOR_BYTES = 16 << 10, /* words of a selector: 16 blocks, a path and a duration */
    WITHIN_BYTES_MAX = 32,     /* of a duration */
    CONFIRM_BYTES = 16 + WITHIN_BYTES_MAX,
    KEY_BYTES = PUBLISH_KEY_TEXT_BYTES + 64, /* words of a key */
};

/* The members of a request, which point into its line. */
struct request {
    struct json_text address, text, hex, ref; /* bytes is NULL: not given */
    bool is_broadcast;
    bool is_wrong;          /* the error is set; the rest is read for the reference */
    bool has_outer_payload; /* beside "broadcast", not in it */
    bool has_listener, has_blocks, has_idle_max;
    bool has_outer_confirm; /* "confirm" or "within" is beside "broadcast", not in it */
    bool has_confirm, confirms;
    struct json_text within;       /* bytes is NULL: not given */
    struct json_text key;          /* likewise */
    struct json_text added;        /* likewise, "entries_added" */
    char selector[SELECTOR_BYTES]; /* words "to=BLOCK ", ... */
    size_t selector_size;
    char name[1 + DEVICE_NAME_TEXT_BYTES]; /* that address points to, if it is @ and a name */
};

/* ---- errors ---- */

__attribute__((format(printf, 2, 3))) static bool fail(struct gateway_translation *translation,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(translation->error, sizeof translation->error, format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_to_read(struct gateway_translation *translation, const struct json_reader *reader)
{
    return fail(translation, "cannot read the request: %s, at byte %zu; udpctl(8) has examples",
                reader->wrong, json_reader_column(reader));
}

/* ---- the members of a request ---- */

/* A member that the reader has read the name of. */
struct member {
    struct gateway_translation *translation;
    struct request *request;
    struct json_reader *reader;
    struct json_text name;
};

/* Records that the value of a member, which is valid JSON, is not what a request may have. The
 * first of these errors is reported. The request is read on, since its reference may follow. */
static bool refuse(const struct member *member, const char *why)
{
    char shown[64];
    if (member->request->is_wrong)
        return true;
    printable_ascii(shown, sizeof shown, member->name.bytes, member->name.size);
    fail(member->translation, "cannot read the request: its member '%s' %s; udpctl(8) has examples",
         shown, why);
    member->request->is_wrong = true;
    return true;
}

static bool skip(const struct member *member, const char *why)
{
    struct json_text value;
    return json_reader_raw(member->reader, &value) && refuse(member, why);
}

static bool is_next_a_string(const struct member *member)
{
    return json_reader_peek(member->reader) == '"';
}

static bool read_text(const struct member *member, struct json_text *text)
{
    if (text->bytes != NULL)
        return skip(member, "is given twice");
    return is_next_a_string(member) ? json_reader_string(member->reader, text)
                                    : skip(member, "is not a string");
}

/* Whether a text can be a word of a control line. */
static bool is_word(const struct json_text *text)
{
    for (size_t i = 0; i < text->size; i++)
        if ((uint8_t)text->bytes[i] <= ' ' || text->bytes[i] == 0x7f)
            return false;
    return text->size > 0;
}

/* Appends the word KEY=VALUE to the selector. */
static bool add_selector_word(const struct member *member, const char *key,
                              const struct json_text *value)
{
    struct request *request = member->request;
    size_t left = sizeof request->selector - request->selector_size;
    if (!is_word(value))
        return refuse(member, "is empty or has a blank");
    if (value->size + strlen(key) + 3 > left)
        return refuse(member, "is too long");
    request->selector_size += (size_t)snprintf(request->selector + request->selector_size, left,
                                               "%s=%.*s ", key, (int)value->size, value->bytes);
    return true;
}

/* Reads a string of a selector. *is_given is set for the next member of that name; misfit says what
 * a value is that is not a string. */
static bool read_selector_word(const struct member *member, const char *key, const char *misfit,
                               bool *is_given)
{
    struct json_text value;
    if (*is_given)
        return skip(member, "is given twice");
    *is_given = true;
    if (!is_next_a_string(member))
        return skip(member, misfit);
    return json_reader_string(member->reader, &value) && add_selector_word(member, key, &value);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_whole_number(const struct json_text *value)
{
    size_t i = 0;
    while (i < value->size && is_digit(value->bytes[i]))
        i++;
    return i == value->size;
}

/* A number is a number of seconds, as on the command line. */
static bool read_idle_max(const struct member *member)
{
    struct request *request = member->request;
    struct json_text value;
    char first = json_reader_peek(member->reader);
    if (request->has_idle_max || (first != '-' && !is_digit(first)))
        return read_selector_word(member, "idle-max", "is neither a number of seconds nor a string",
                                  &request->has_idle_max);
    request->has_idle_max = true;
    if (!json_reader_raw(member->reader, &value))
        return false;
    return is_whole_number(&value) ? add_selector_word(member, "idle-max", &value)
                                   : refuse(member, "is not a whole number of seconds, 0 or more");
}

static bool read_confirm(const struct member *member)
{
    struct request *request = member->request;
    struct json_text value;
    if (!json_reader_raw(member->reader, &value))
        return false;
    if (request->has_confirm)
        return refuse(member, "is given twice");
    request->has_confirm = true;
    request->confirms = json_text_is(&value, "true");
    return request->confirms || json_text_is(&value, "false") ||
           refuse(member, "is not true or false");
}

/* A number is a number of seconds, as on the command line. */
static bool read_within(const struct member *member)
{
    struct json_text *within = &member->request->within;
    char first = json_reader_peek(member->reader);
    if (within->bytes == NULL && first >= '0' && first <= '9')
        return json_reader_raw(member->reader, within);
    if (!read_text(member, within))
        return false;
    return within->bytes == NULL || is_word(within) || refuse(member, "is empty or has a blank");
}

/* Reads one of the members about confirmations. */
static bool read_confirmation(const struct member *member, bool *is_one)
{
    *is_one = true;
    if (json_text_is(&member->name, "confirm"))
        return read_confirm(member);
    if (json_text_is(&member->name, "within"))
        return read_within(member);
    *is_one = false;
    return true;
}

static bool read_blocks(const struct member *member)
{
    struct request *request = member->request;
    if (request->has_blocks || json_reader_peek(member->reader) != '[')
        return read_selector_word(member, "to", "is neither a string nor an array",
                                  &request->has_blocks);
    json_reader_array(member->reader);
    while (json_reader_element(member->reader)) {
        bool is_given = false;
        if (!read_selector_word(member, "to", "has an element that is not a string", &is_given))
            return false;
        request->has_blocks = true;
    }
    /* As a selector, an empty list would select all clients. */
    if (!request->has_blocks)
        refuse(member, "has no block");
    request->has_blocks = true;
    return member->reader->wrong == NULL;
}

static bool read_payload(const struct member *member, bool *is_payload)
{
    *is_payload = true;
    if (json_text_is(&member->name, "text"))
        return read_text(member, &member->request->text);
    if (json_text_is(&member->name, "hex"))
        return read_text(member, &member->request->hex);
    *is_payload = false;
    return true;
}

static bool read_entries_added(const struct member *member)
{
    struct json_text value;
    if (!json_reader_raw(member->reader, &value))
        return false;
    if (member->request->added.bytes != NULL)
        return refuse(member, "is given twice");
    if (!is_whole_number(&value) || value.size > 20)
        return refuse(member, "is not a whole number");
    member->request->added = value;
    return true;
}

static bool read_broadcast_member(const struct member *member)
{
    bool is_one;
    bool is_read = read_payload(member, &is_one);
    if (!is_one)
        is_read = read_confirmation(member, &is_one);
    if (is_one)
        return is_read;
    if (json_text_is(&member->name, "to"))
        return read_blocks(member);
    if (json_text_is(&member->name, "listener"))
        return read_selector_word(member, "listener", "is not a string",
                                  &member->request->has_listener);
    if (json_text_is(&member->name, "idle_max"))
        return read_idle_max(member);
    if (json_text_is(&member->name, "key"))
        return read_text(member, &member->request->key);
    if (json_text_is(&member->name, "entries_added"))
        return read_entries_added(member);
    return skip(member, "is unknown");
}

static bool read_broadcast(const struct member *outer)
{
    struct member member = *outer;
    if (outer->request->is_broadcast)
        return skip(outer, "is given twice");
    outer->request->is_broadcast = true;
    if (json_reader_peek(outer->reader) != '{')
        return skip(outer, "is not an object");
    json_reader_object(outer->reader);
    while (json_reader_member(outer->reader, &member.name))
        if (!read_broadcast_member(&member))
            return false;
    return outer->reader->wrong == NULL;
}

static bool read_ref(const struct member *member)
{
    struct json_text value, *ref = &member->request->ref;
    if (!json_reader_raw(member->reader, &value))
        return false;
    if (ref->bytes != NULL)
        return refuse(member, "is given twice");
    if (value.size > GATEWAY_JSON_REF_BYTES)
        return refuse(member, "is longer than 256 bytes");
    *ref = value;
    return true;
}

static bool read_member(const struct member *member)
{
    bool is_one;
    bool is_read = read_payload(member, &is_one);
    member->request->has_outer_payload |= is_one;
    if (is_one)
        return is_read;
    is_read = read_confirmation(member, &is_one);
    member->request->has_outer_confirm |= is_one;
    if (is_one)
        return is_read;
    if (json_text_is(&member->name, "ref"))
        return read_ref(member);
    if (json_text_is(&member->name, "to"))
        return read_text(member, &member->request->address);
    if (json_text_is(&member->name, "broadcast"))
        return read_broadcast(member);
    return skip(member, "is unknown");
}

static bool read_request(struct gateway_translation *translation, struct request *request,
                         struct json_reader *reader)
{
    struct member member = {translation, request, reader, {.size = 0}};
    bool is_valid = json_reader_object(reader);
    while (is_valid && json_reader_member(reader, &member.name))
        is_valid = read_member(&member);
    is_valid = is_valid && json_reader_end(reader);
    if (reader->wrong != NULL)
        fail_to_read(translation, reader);
    return is_valid && !request->is_wrong;
}

/* ---- the control line ---- */

static bool check(struct gateway_translation *translation, const struct request *request)
{
    const char *verb = request->is_broadcast ? "broadcast" : "send";
    bool has_address = request->address.bytes != NULL;
    if (has_address == request->is_broadcast)
        return fail(translation, "cannot read the request: it needs one of \"to\" and "
                                 "\"broadcast\"; udpctl(8) has examples");
    if (request->is_broadcast && request->has_outer_payload)
        return fail(translation,
                    "cannot broadcast: \"text\" or \"hex\" is beside \"broadcast\"; put "
                    "it into its object");
    if (request->is_broadcast && request->has_outer_confirm)
        return fail(translation,
                    "cannot broadcast: \"confirm\" or \"within\" is beside \"broadcast\"; put "
                    "it into its object");
    if (request->within.bytes != NULL && !request->confirms)
        return fail(translation, "cannot %s: \"within\" needs \"confirm\"; add it, as true", verb);
    if (request->within.size > WITHIN_BYTES_MAX)
        return fail(translation,
                    "cannot %s: \"within\" is too long; give a duration, as in \"30s\"", verb);
    if ((request->text.bytes != NULL) == (request->hex.bytes != NULL))
        return fail(translation,
                    "cannot %s: the request needs one of \"text\" and \"hex\"; udpctl(8) has "
                    "examples",
                    verb);
    if (has_address && !is_word(&request->address))
        return fail(translation, "cannot send: the address is empty or has a blank; `udpctl "
                                 "clients` lists the registered clients");
    return true;
}

/* Replaces an address that is @ and a name by its form in a control line. */
static bool translate_name(struct gateway_translation *translation, struct request *request)
{
    struct json_text *address = &request->address;
    struct device_name name;
    if (address->bytes == NULL || address->size == 0 || address->bytes[0] != '@')
        return true;
    const char *wrong = device_name_set(&name, address->bytes + 1, address->size - 1);
    if (wrong != NULL)
        return fail(translation, "cannot send: %s; `udpctl clients` lists the names", wrong);
    request->name[0] = '@';
    device_name_format(&name, request->name + 1);
    *address = (struct json_text){request->name, strlen(request->name)};
    return true;
}

/* Decodes "hex" in place, or takes "text" as it is. */
static bool decode_payload(struct gateway_translation *translation, const struct request *request,
                           struct json_text *payload)
{
    const char *verb = request->is_broadcast ? "broadcast" : "send";
    *payload = request->text;
    if (request->hex.bytes != NULL) {
        if (!hex_decode((uint8_t *)request->hex.bytes, request->hex.bytes, request->hex.size))
            return fail(translation,
                        "cannot %s: \"hex\" is not an even number of hexadecimal digits; give two "
                        "for each byte",
                        verb);
        *payload = (struct json_text){request->hex.bytes, request->hex.size / 2};
    }
    size_t max = CONFIG_MESSAGE_BYTES_MAX - (request->confirms ? FRAME_MESSAGE_HEAD_BYTES : 0);
    return payload->size <= max ||
           fail(translation,
                "cannot %s: the payload is longer than %zu bytes, the maximum of a UDP datagram%s; "
                "send it in parts",
                verb, max, request->confirms ? " that is to be confirmed" : "");
}

static char *add_bytes(char *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static char *add_hex(char *at, const struct json_text *text)
{
    if (text->bytes == NULL || text->size == 0) {
        *at = '-';
        return at + 1;
    }
    hex_encode(at, text->bytes, text->size);
    return at + 2 * text->size;
}

/* Adds the words of a request that is to be confirmed, at most CONFIRM_BYTES. */
static char *add_confirm(char *at, const struct request *request)
{
    if (!request->confirms)
        return at;
    at = add_bytes(at, "confirm ", 8);
    if (request->within.bytes == NULL)
        return at;
    at = add_bytes(at, "within=", 7);
    at = add_bytes(at, request->within.bytes, request->within.size);
    *at = ' ';
    return at + 1;
}

/* Writes the words of the key, each with a blank after it. */
static bool format_key(struct gateway_translation *translation, const struct request *request,
                       char words[KEY_BYTES])
{
    struct publish_key key;
    char text[PUBLISH_KEY_TEXT_BYTES], raw[DEVICE_NAME_BYTES_MAX + ENTRY_ID_TEXT_BYTES + 1];
    size_t size = request->key.size;
    words[0] = '\0';
    if (request->key.bytes == NULL)
        return request->added.bytes == NULL ||
               fail(translation, "cannot broadcast: \"entries_added\" needs \"key\"; add it");
    snprintf(raw, sizeof raw, "%.*s", (int)size, request->key.bytes);
    const char *wrong =
        strlen(raw) == size ? publish_key_set(&key, raw) : "it is too long, or has a NUL";
    if (wrong != NULL)
        return fail(translation, "cannot broadcast: bad \"key\": %s; give STREAM:ID", wrong);
    int length = snprintf(words, KEY_BYTES, "key=%s ", publish_key_format(&key, text));
    if (request->added.bytes != NULL)
        snprintf(words + length, (size_t)(KEY_BYTES - length), "entries-added=%.*s ",
                 (int)request->added.size, request->added.bytes);
    return true;
}

static bool write_command(struct gateway_translation *translation, const struct request *request,
                          const struct json_text *payload)
{
    char *at = translation->command, key[KEY_BYTES];
    size_t words = request->selector_size + request->address.size;
    if (words + 2 * (request->ref.size + payload->size) + CONFIRM_BYTES + KEY_BYTES + 32 >
        GATEWAY_COMMAND_BYTES)
        return fail(translation, "cannot read the request: it is too long; send a shorter payload "
                                 "or fewer blocks");
    if (!format_key(translation, request, key))
        return false;
    at = request->is_broadcast ? add_bytes(at, "broadcast ", 10) : add_bytes(at, "send ", 5);
    at = add_hex(at, &request->ref);
    *at++ = ' ';
    if (!request->is_broadcast) {
        at = add_bytes(at, request->address.bytes, request->address.size);
        *at++ = ' ';
    }
    at = add_bytes(at, key, strlen(key));
    at = add_confirm(at, request);
    at = add_bytes(at, request->selector, request->selector_size);
    at = add_hex(at, payload);
    *at++ = '\n';
    translation->size = (size_t)(at - translation->command);
    return true;
}

bool gateway_translation_request(struct gateway_translation *translation, char *json, size_t size)
{
    struct request request = {.selector_size = 0};
    struct json_reader reader;
    struct json_text payload;
    json_reader_init(&reader, json, size);
    translation->ref_size = 0;
    bool is_valid = read_request(translation, &request, &reader);
    if (request.ref.bytes != NULL) {
        translation->ref_size = request.ref.size;
        memcpy(translation->ref, request.ref.bytes, request.ref.size);
    }
    return is_valid && translate_name(translation, &request) && check(translation, &request) &&
           decode_payload(translation, &request, &payload) &&
           write_command(translation, &request, &payload);
}

/* ---- results ---- */

static void print_error(FILE *out, const char *ref, size_t ref_size, const char *text)
{
    putc('{', out);
    if (ref_size > 0)
        fprintf(out, "\"ref\":%.*s,", (int)ref_size, ref);
    fputs("\"error\":", out);
    json_string(out, text);
    fputs("}\n", out);
}

void gateway_translation_print_error(FILE *out, const struct gateway_translation *translation)
{
    print_error(out, translation->ref, translation->ref_size, translation->error);
}

/* Takes the reference from the beginning of *rest and decodes it in place. */
static const char *take_ref(char **rest, struct json_text *ref)
{
    *ref = (struct json_text){.bytes = strsep(rest, " ")};
    if (*rest == NULL)
        return "nothing follows the reference";
    if (strcmp(ref->bytes, "-") == 0)
        return NULL;
    size_t digits = strlen(ref->bytes);
    ref->size = digits / 2;
    return hex_decode((uint8_t *)ref->bytes, ref->bytes, digits)
               ? NULL
               : "its reference is not hexadecimal digits";
}

const char *gateway_translation_print_refusal(FILE *out, char *value)
{
    struct json_text ref;
    const char *wrong = take_ref(&value, &ref);
    if (wrong == NULL)
        print_error(out, ref.bytes, ref.size, value);
    return wrong;
}

const char *gateway_translation_print_result(FILE *out, char *value)
{
    struct json_text ref;
    const char *wrong = take_ref(&value, &ref), *before = "";
    if (wrong != NULL)
        return wrong;
    putc('{', out);
    if (ref.size > 0) {
        fprintf(out, "\"ref\":%.*s", (int)ref.size, ref.bytes);
        before = ",";
    }
    wrong = event_members_print_json(out, before, value, "reason");
    fputs("}\n", out);
    return wrong;
}
