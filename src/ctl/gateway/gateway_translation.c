#include "ctl/gateway/gateway_translation.h"

#include "config/config.h"
#include "ctl/events/event_members.h"
#include "ctl/output/json.h"
#include "text/hex.h"
#include "text/json_reader.h"
#include "text/printable.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

enum { SELECTOR_BYTES = 16 << 10 /* words of a selector: 16 blocks, a path and a duration */ };

/* The members of a request, which point into its line. */
struct request {
    struct json_text address, text, hex, ref; /* bytes is NULL: not given */
    bool is_broadcast, has_unknown;
    char selector[SELECTOR_BYTES]; /* words "to=BLOCK ", ... */
    size_t selector_size;
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

/* The rest of the request is read nevertheless, since its reference may follow. */
static bool skip_unknown(const struct member *member)
{
    char shown[64];
    struct json_text value;
    printable_ascii(shown, sizeof shown, member->name.bytes, member->name.size);
    fail(member->translation,
         "cannot read the request: it has an unknown member '%s'; udpctl(8) lists the members",
         shown);
    member->request->has_unknown = true;
    return json_reader_raw(member->reader, &value);
}

static bool read_text(const struct member *member, struct json_text *text)
{
    if (text->bytes == NULL)
        return json_reader_string(member->reader, text);
    return json_reader_fail(member->reader, "a member that is given twice");
}

/* Whether a text can be a word of a control line. */
static bool is_word(const struct json_text *text)
{
    for (size_t i = 0; i < text->size; i++)
        if (text->bytes[i] <= ' ' || text->bytes[i] > '~')
            return false;
    return text->size > 0;
}

/* Reads a string and appends the word KEY=STRING to the selector. */
static bool read_selector_word(const struct member *member, const char *key)
{
    struct request *request = member->request;
    struct json_text value;
    if (!json_reader_string(member->reader, &value))
        return false;
    size_t left = sizeof request->selector - request->selector_size;
    if (!is_word(&value))
        return json_reader_fail(member->reader, "a selector that is empty or has a blank");
    if (value.size + strlen(key) + 3 > left)
        return json_reader_fail(member->reader, "a selector that is too long");
    request->selector_size += (size_t)snprintf(request->selector + request->selector_size, left,
                                               "%s=%.*s ", key, (int)value.size, value.bytes);
    return true;
}

static bool read_blocks(const struct member *member)
{
    if (json_reader_peek(member->reader) != '[')
        return read_selector_word(member, "to");
    json_reader_array(member->reader);
    while (json_reader_element(member->reader))
        if (!read_selector_word(member, "to"))
            return false;
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

static bool read_broadcast_member(const struct member *member)
{
    bool is_payload;
    bool is_read = read_payload(member, &is_payload);
    if (is_payload)
        return is_read;
    if (json_text_is(&member->name, "to"))
        return read_blocks(member);
    if (json_text_is(&member->name, "listener"))
        return read_selector_word(member, "listener");
    if (json_text_is(&member->name, "idle_max"))
        return read_selector_word(member, "idle-max");
    return skip_unknown(member);
}

static bool read_broadcast(const struct member *outer)
{
    struct member member = *outer;
    outer->request->is_broadcast = true;
    if (!json_reader_object(outer->reader))
        return false;
    while (json_reader_member(outer->reader, &member.name))
        if (!read_broadcast_member(&member))
            return false;
    return outer->reader->wrong == NULL;
}

static bool read_ref(const struct member *member)
{
    struct json_text ref;
    if (!json_reader_raw(member->reader, &ref))
        return false;
    if (ref.size > GATEWAY_JSON_REF_BYTES)
        return json_reader_fail(member->reader, "a ref of more than 256 bytes");
    member->request->ref = ref;
    return true;
}

static bool read_member(const struct member *member)
{
    bool is_payload;
    bool is_read = read_payload(member, &is_payload);
    if (is_payload)
        return is_read;
    if (json_text_is(&member->name, "ref"))
        return read_ref(member);
    if (json_text_is(&member->name, "to"))
        return read_text(member, &member->request->address);
    if (json_text_is(&member->name, "broadcast"))
        return read_broadcast(member);
    return skip_unknown(member);
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
    return is_valid && !request->has_unknown;
}

/* ---- the control line ---- */

static bool check(struct gateway_translation *translation, const struct request *request)
{
    const char *verb = request->is_broadcast ? "broadcast" : "send";
    bool has_address = request->address.bytes != NULL;
    if (has_address == request->is_broadcast)
        return fail(translation, "cannot read the request: it needs one of \"to\" and "
                                 "\"broadcast\"; udpctl(8) has examples");
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
    return payload->size <= CONFIG_MESSAGE_BYTES_MAX ||
           fail(translation,
                "cannot %s: the payload is longer than %d bytes, the maximum of a UDP datagram; "
                "send it in parts",
                verb, CONFIG_MESSAGE_BYTES_MAX);
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

static bool write_command(struct gateway_translation *translation, const struct request *request,
                          const struct json_text *payload)
{
    char *at = translation->command;
    size_t words = request->selector_size + request->address.size;
    if (words + 2 * (request->ref.size + payload->size) + 32 > GATEWAY_COMMAND_BYTES)
        return fail(translation, "cannot read the request: it is too long; send a shorter payload "
                                 "or fewer blocks");
    at = request->is_broadcast ? add_bytes(at, "broadcast ", 10) : add_bytes(at, "send ", 5);
    at = add_hex(at, &request->ref);
    *at++ = ' ';
    if (request->is_broadcast) {
        at = add_bytes(at, request->selector, request->selector_size);
    } else {
        at = add_bytes(at, request->address.bytes, request->address.size);
        *at++ = ' ';
    }
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
    return is_valid && check(translation, &request) &&
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
