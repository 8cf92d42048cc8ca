#include "text/json_reader.h"

#include "text/hex.h"
#include "text/utf8.h"

#include <stdint.h>
#include <string.h>

void json_reader_init(struct json_reader *reader, char *text, size_t size)
{
    *reader = (struct json_reader){.at = text, .end = text + size, .begin = text};
}

bool json_reader_fail(struct json_reader *reader, const char *wrong)
{
    if (reader->wrong == NULL)
        reader->wrong = wrong;
    return false;
}

size_t json_reader_column(const struct json_reader *reader)
{
    return (size_t)(reader->at - reader->begin) + 1;
}

bool json_text_is(const struct json_text *text, const char *other)
{
    return text->size == strlen(other) && memcmp(text->bytes, other, text->size) == 0;
}

static void skip_blanks(struct json_reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\n\r", *reader->at, 4) != NULL)
        reader->at++;
}

char json_reader_peek(struct json_reader *reader)
{
    skip_blanks(reader);
    return reader->wrong == NULL && reader->at < reader->end ? *reader->at : '\0';
}

/* Reads a character that must follow, after blanks. */
static bool read_character(struct json_reader *reader, char character, const char *wrong)
{
    if (json_reader_peek(reader) != character)
        return json_reader_fail(reader, wrong);
    reader->at++;
    return true;
}

/* ---- strings ---- */

/* Reads the four digits of \uNNNN. Returns false after an error. */
static bool read_code_unit(struct json_reader *reader, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        int digit = reader->at < reader->end ? hex_digit(*reader->at) : -1;
        if (digit < 0)
            return json_reader_fail(reader, "\\u needs four hexadecimal digits");
        *unit = *unit * 16 + (uint32_t)digit;
    }
    return true;
}

/* Reads what follows \u: a code point, or a surrogate pair with the second \u. */
static bool read_code_point(struct json_reader *reader, uint32_t *code)
{
    uint32_t low;
    if (!read_code_unit(reader, code))
        return false;
    if (*code < 0xd800 || *code > 0xdfff)
        return true;
    bool has_pair = *code < 0xdc00 && reader->end - reader->at >= 6 && reader->at[0] == '\\' &&
                    reader->at[1] == 'u';
    if (!has_pair)
        return json_reader_fail(reader, "half of a surrogate pair");
    reader->at += 2;
    if (!read_code_unit(reader, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return json_reader_fail(reader, "half of a surrogate pair");
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* Writes a code point in UTF-8, which is never longer than its escape. */
static char *write_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    int rest = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(leads[rest] | code >> 6 * rest);
    while (rest-- > 0)
        *out++ = (char)(0x80 | (code >> 6 * rest & 0x3f));
    return out;
}

/* Reads an escape after its backslash. *out is where to write, or NULL. */
static bool read_escape(struct json_reader *reader, char **out)
{
    static const char escapes[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t code;
    char letter = reader->at < reader->end ? *reader->at : '\0';
    const char *found = letter != '\0' ? strchr(escapes, letter) : NULL;
    if (found == NULL && letter != 'u')
        return json_reader_fail(reader, "an invalid escape in a string");
    reader->at++;
    if (found != NULL)
        code = (uint8_t)values[found - escapes];
    else if (!read_code_point(reader, &code))
        return false;
    if (*out != NULL)
        *out = write_utf8(*out, code);
    return true;
}

/* Copies one character that is not escaped. */
static bool read_plain(struct json_reader *reader, char **out)
{
    uint32_t code;
    size_t length = utf8_decode(reader->at, (size_t)(reader->end - reader->at), &code);
    if (length == 0)
        return json_reader_fail(reader, "a string that is not UTF-8");
    if (code < ' ')
        return json_reader_fail(reader, "a control character in a string, which must be escaped");
    if (*out != NULL) {
        memmove(*out, reader->at, length);
        *out += length;
    }
    reader->at += length;
    return true;
}

/* Reads a string after its opening quote up to the closing one. */
static bool read_string(struct json_reader *reader, char **out)
{
    while (reader->at < reader->end && *reader->at != '"') {
        bool is_escape = *reader->at == '\\';
        reader->at += is_escape;
        if (!(is_escape ? read_escape(reader, out) : read_plain(reader, out)))
            return false;
    }
    if (reader->at == reader->end)
        return json_reader_fail(reader, "a string without its closing quote");
    reader->at++;
    return true;
}

bool json_reader_string(struct json_reader *reader, struct json_text *string)
{
    *string = (struct json_text){.size = 0};
    if (!read_character(reader, '"', "a string is expected"))
        return false;
    char *out = reader->at;
    string->bytes = out;
    if (!read_string(reader, &out)) {
        string->bytes = NULL;
        return false;
    }
    string->size = (size_t)(out - string->bytes);
    return true;
}

/* ---- other values ---- */

static size_t skip_digits(struct json_reader *reader)
{
    const char *begin = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return (size_t)(reader->at - begin);
}

static bool next_is(const struct json_reader *reader, const char *set)
{
    return reader->at < reader->end && *reader->at != '\0' && strchr(set, *reader->at) != NULL;
}

static bool skip_number(struct json_reader *reader)
{
    reader->at += next_is(reader, "-");
    bool begins_with_zero = next_is(reader, "0");
    size_t digits = skip_digits(reader);
    bool is_valid = digits > 0 && (!begins_with_zero || digits == 1);
    if (is_valid && next_is(reader, ".")) {
        reader->at++;
        is_valid = skip_digits(reader) > 0;
    }
    if (is_valid && next_is(reader, "eE")) {
        reader->at++;
        reader->at += next_is(reader, "+-");
        is_valid = skip_digits(reader) > 0;
    }
    return is_valid || json_reader_fail(reader, "an invalid number");
}

static bool skip_word(struct json_reader *reader)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(reader->end - reader->at) >= size && memcmp(reader->at, words[i], size) == 0) {
            reader->at += size;
            return true;
        }
    }
    return json_reader_fail(reader, "a value is expected");
}

static bool skip_value(struct json_reader *reader, int depth);

static bool skip_string(struct json_reader *reader)
{
    char *nowhere = NULL;
    return read_character(reader, '"', "a string is expected") && read_string(reader, &nowhere);
}

/* Skips an object or array after its opening bracket. */
static bool skip_nested(struct json_reader *reader, char close, int depth)
{
    if (depth == JSON_READER_DEPTH_MAX)
        return json_reader_fail(reader, "nested too deeply");
    for (bool is_first = true; json_reader_peek(reader) != close; is_first = false) {
        if (!is_first && !read_character(reader, ',', "',' or the end of the value is expected"))
            return false;
        if (close == '}' &&
            !(skip_string(reader) && read_character(reader, ':', "':' is expected after a name")))
            return false;
        if (!skip_value(reader, depth + 1))
            return false;
    }
    reader->at++;
    return true;
}

static bool skip_value(struct json_reader *reader, int depth)
{
    char first = json_reader_peek(reader);
    if (first == '"')
        return skip_string(reader);
    if (first == '{' || first == '[') {
        reader->at++;
        return skip_nested(reader, first == '{' ? '}' : ']', depth);
    }
    if (first == '-' || (first >= '0' && first <= '9'))
        return skip_number(reader);
    return skip_word(reader);
}

bool json_reader_raw(struct json_reader *reader, struct json_text *value)
{
    *value = (struct json_text){.size = 0};
    skip_blanks(reader);
    char *begin = reader->at;
    if (reader->wrong != NULL || !skip_value(reader, 0))
        return false;
    *value = (struct json_text){begin, (size_t)(reader->at - begin)};
    return true;
}

/* ---- objects and arrays ---- */

bool json_reader_object(struct json_reader *reader)
{
    reader->is_first = true;
    return read_character(reader, '{', "an object is expected, in braces");
}

bool json_reader_array(struct json_reader *reader)
{
    reader->is_first = true;
    return read_character(reader, '[', "an array is expected, in brackets");
}

/* Reads what stands before the next member or element; returns false after the closing bracket. */
static bool read_separator(struct json_reader *reader, char close)
{
    if (json_reader_peek(reader) == close) {
        reader->at++;
        reader->is_first = false; /* of what this value is in */
        return false;
    }
    bool is_first = reader->is_first;
    reader->is_first = false;
    return reader->wrong == NULL &&
           (is_first || read_character(reader, ',', "',' or the end of the value is expected"));
}

bool json_reader_member(struct json_reader *reader, struct json_text *name)
{
    return read_separator(reader, '}') && json_reader_string(reader, name) &&
           read_character(reader, ':', "':' is expected after a name");
}

bool json_reader_element(struct json_reader *reader)
{
    return read_separator(reader, ']');
}

bool json_reader_end(struct json_reader *reader)
{
    skip_blanks(reader);
    if (reader->wrong == NULL && reader->at < reader->end)
        return json_reader_fail(reader, "something follows the value");
    return reader->wrong == NULL;
}
