/* Prints every code point in each output format of the programs, decodes the output and compares.
 */
#include "client/print_message.h"
#include "ctl/output/json.h"
#include "ctl/output/output_record.h"
#include "ctl/output/output_table.h"
#include "load/report/escape.h"
#include "load/report/page/report_html.h"
#include "load/report/report_json.h"
#include "load/report/report_text.h"
#include "load/report/shell_quote.h"
#include "terminal/grapheme.h"
#include "text/hex.h"
#include "text/printable.h"

#include "code_points_fixture.h"
#include "load_report_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(code_points, .timeout = 300);

/* ---- text/printable ---- */

static void check_text(const char *piece, size_t size)
{
    char printed[DECODED_BYTES];
    size_t length = 0;
    for (size_t at = 0, taken; at < size; at += taken)
        length += printable_text(printed + length, piece + at, size - at, &taken);
    code_points_expect_escaped(printed, length, piece, size);
}

Test(code_points, are_unchanged_in_text)
{
    code_points_each(check_text);
    check_text("\0a", 2);
}

static void check_json(const char *piece, size_t size)
{
    char printed[DECODED_BYTES];
    size_t length = 0;
    for (size_t at = 0, taken; at < size; at += taken)
        length += printable_json(printed + length, piece + at, size - at, &taken);
    code_points_expect_json(printed, length, piece, size);
}

Test(code_points, are_unchanged_in_json)
{
    code_points_each(check_json);
    check_json("\0a", 2);
}

static void check_line(const char *piece, size_t size)
{
    char printed[DECODED_BYTES];
    cr_assert_eq(printable_line(printed, sizeof printed, piece), strlen(printed));
    code_points_expect_line(printed, piece, size);
}

Test(code_points, are_unchanged_in_a_line)
{
    code_points_each(check_line);
}

static void check_ascii(const char *piece, size_t size)
{
    char printed[DECODED_BYTES];
    size_t length = printable_ascii(printed, sizeof printed, piece, size);
    for (size_t i = 0; i < length; i++)
        cr_assert(printed[i] >= ' ' && printed[i] <= '~');
    code_points_expect_escaped(printed, length, piece, size);
}

Test(code_points, are_unchanged_in_ascii)
{
    code_points_each(check_ascii);
}

/* ---- the line editor ---- */

/* An escape is drawn between the sequences for reverse video on and off. */
static void expect_drawn(const char *drawn, size_t size, const char *text, size_t text_size)
{
    char code[8] = "";
    if (strncmp(drawn, "\x1b[7m\\", 5) != 0) {
        bool circled = strncmp(drawn, "\u25cc", 3) == 0 && strncmp(text, "\u25cc", 3) != 0;
        drawn += circled ? 3 : 0;
        size -= circled ? 3 : 0;
        bool joiner =
            size == 0 && memcmp(text, "\u200d", 3) == 0; /* it would combine with what follows */
        cr_assert(joiner || (size == text_size && memcmp(drawn, text, size) == 0), "%s", text);
        return;
    }
    cr_assert_eq(memcmp(drawn + size - 5, "\x1b[27m", 5), 0);
    memcpy(code, drawn + 5, size - 10);
    if (*code != 'u') {
        char escape[10] = "\\";
        strcpy(escape + 1, code);
        code_points_expect_escaped(escape, strlen(escape), text, text_size);
        return;
    }
    char json[16] = "\\";
    strcpy(json + 1, code);
    code_points_expect_json(json, strlen(json), text, text_size);
}

static void check_glyphs(const char *piece, size_t size)
{
    char drawn[GRAPHEME_DRAW_BYTES + 1], one[PIECE_BYTES];
    for (size_t at = 0, length; at < size; at += length) {
        length = 1;
        while (at + length < size && ((unsigned char)piece[at + length] & 0xc0) == 0x80)
            length++;
        memcpy(one, piece + at, length);
        one[length] = '\0';
        for (size_t from = 0; from < length;) {
            struct grapheme grapheme = grapheme_first(one + from, length - from);
            size_t drawn_size = grapheme_draw(drawn, one + from, grapheme, SIZE_MAX);
            drawn[drawn_size] = '\0';
            expect_drawn(drawn, drawn_size, one + from, grapheme.size);
            from += grapheme.size;
        }
    }
}

Test(code_points, are_unchanged_while_a_line_is_edited)
{
    code_points_each(check_glyphs);
}

/* ---- udpcli ---- */

static char printed[1 << 16];

static size_t print(enum print_style style, const char *piece, size_t size, bool marked)
{
    FILE *out = fmemopen(printed, sizeof printed, "w");
    cr_assert_not_null(out);
    const struct received_message arrival = {
        .bytes = (const uint8_t *)piece, .size = size, .from = piece, .kind = RECEIVED_REPLY};
    if (marked)
        print_message_marked(out, style == PRINT_HEX, false, &arrival);
    else
        print_message(out, style, &arrival);
    size_t length = (size_t)ftell(out);
    fclose(out);
    cr_assert_eq(printed[length - 1], '\n');
    return length - 1;
}

static void check_udpcli_terminal(const char *piece, size_t size)
{
    code_points_expect_escaped(printed, print(PRINT_ESCAPED, piece, size, false), piece, size);
    size_t length = print(PRINT_ESCAPED, piece, size, true);
    cr_assert_eq(strncmp(printed, "< ", 2), 0);
    code_points_expect_escaped(printed + 2, length - 2, piece, size);
}

Test(code_points, are_unchanged_on_the_terminal_of_udpcli)
{
    code_points_each(check_udpcli_terminal);
}

static void check_udpcli_json(const char *piece, size_t size)
{
    char replaced[DECODED_BYTES];
    bool valid =
        code_points_replace(replaced, piece, size) == size && memcmp(replaced, piece, size) == 0;
    print(PRINT_JSON, piece, size, false);
    const char *from = report_json_member(printed, "from");
    const char *text = report_json_member(printed, "text");
    const char *hex = report_json_member(printed, "hex");
    cr_assert_eq(text != NULL, valid);
    cr_assert_eq(hex != NULL, !valid);
    code_points_expect_json(from + 1, (size_t)(report_json_value(from) - from) - 2, piece, size);
    if (text)
        code_points_expect_json(text + 1, (size_t)(report_json_value(text) - text) - 2, piece,
                                size);
}

Test(code_points, are_unchanged_in_the_json_of_udpcli)
{
    code_points_each(check_udpcli_json);
}

static void check_udpcli_bytes(const char *piece, size_t size)
{
    char decoded[DECODED_BYTES];
    code_points_expect_same(printed, print(PRINT_RAW, piece, size, false), piece, size);
    size_t length = print(PRINT_HEX, piece, size, false);
    cr_assert(hex_decode((uint8_t *)decoded, printed, length));
    code_points_expect_same(decoded, length / 2, piece, size);
    length = print(PRINT_LINE, piece, size, false);
    cr_assert_eq(length, size);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(printed[i], piece[i] == '\n' ? ' ' : piece[i]);
}

Test(code_points, are_unchanged_as_bytes_of_udpcli)
{
    code_points_each(check_udpcli_bytes);
}

/* ---- udpctl ---- */

static void check_udpctl_json(const char *piece, size_t size)
{
    FILE *out = fmemopen(printed, sizeof printed, "w");
    json_string(out, piece);
    fclose(out);
    cr_assert_eq(report_json_value(printed), printed + strlen(printed));
    code_points_expect_json(printed + 1, strlen(printed) - 2, piece, size);
}

Test(code_points, are_unchanged_in_the_json_of_udpctl)
{
    code_points_each(check_udpctl_json);
}

/* The cells of a table end at blanks, and its backslashes are not escaped. */
static void check_udpctl_table(const char *piece, size_t size)
{
    static const struct output_field fields[] = {{"cell", "CELL", OUTPUT_TEXT}};
    char cell[PIECE_BYTES], line[PIECE_BYTES];
    struct output_table table = {.key = "row", .fields = fields, .count = 1};
    for (size_t i = 0; i <= size; i++)
        cell[i] = piece[i] == ' ' || piece[i] == '\\' ? '_' : piece[i];
    strcpy(line, cell);
    table.out = fmemopen(printed, sizeof printed, "w");
    cr_assert_null(output_table_add_line(&table, "row", line));
    output_table_print(&table);
    output_table_free(&table);
    fclose(table.out);
    const char *row = strchr(printed, '\n') + 1;
    code_points_expect_escaped(row, strlen(row) - 1, cell, size);
}

Test(code_points, are_unchanged_in_a_table_of_udpctl)
{
    code_points_each(check_udpctl_table);
}

/* The values of a record are shorter than a piece, and its backslashes are not escaped. */
static void check_udpctl_record(const char *piece, size_t size)
{
    static const struct output_field fields[] = {{"value", NULL, OUTPUT_TEXT}};
    struct output_record record = {.fields = fields, .count = 1};
    char value[OUTPUT_VALUE_BYTES];
    for (size_t at = 0, length; at < size; at += length) {
        length = size - at < sizeof value - 1 ? size - at : sizeof value - 1;
        for (size_t i = 0; i < length; i++)
            value[i] = piece[at + i] == '\\' ? '_' : piece[at + i];
        value[length] = '\0';
        cr_assert_null(output_record_add_line(&record, "value", value));
        for (int lines = 0; lines < 2; lines++) {
            size_t before = strlen(lines ? "value  " : "value ");
            FILE *out = fmemopen(printed, sizeof printed, "w");
            output_record_print(out, &record, lines ? OUTPUT_LINES : OUTPUT_ONE_LINE);
            fclose(out);
            code_points_expect_escaped(printed + before, strlen(printed + before) - 1, value,
                                       length);
        }
    }
}

Test(code_points, are_unchanged_in_a_record_of_udpctl)
{
    code_points_each(check_udpctl_record);
}

/* ---- udpload ---- */

static void check_udpload_text(const char *piece, size_t size)
{
    char html[DECODED_BYTES];
    FILE *out = fmemopen(printed, sizeof printed, "w");
    escape_line(out, piece);
    fclose(out);
    code_points_expect_line(printed, piece, size);
    out = fmemopen(printed, sizeof printed, "w");
    escape_html(out, piece);
    fclose(out);
    html[code_points_unhtml(html, printed, strlen(printed))] = '\0';
    code_points_expect_line(html, piece, size);
}

Test(code_points, are_unchanged_in_text_and_html_of_udpload)
{
    code_points_each(check_udpload_text);
}

static struct load_result *reported;

static void check_udpload_reports(const char *piece, size_t size)
{
    char *target = reported->target;
    char *copy = strdup(piece);
    reported->target = copy;
    char *json = report_print(report_json, reported);
    const char *member = report_json_member(json, "target");
    code_points_expect_json(member + 1, (size_t)(report_json_value(member) - member) - 2, piece,
                            size);
    reported->target = target;
    free(copy);
    free(json);
}

Test(code_points, are_unchanged_in_the_json_report)
{
    struct load_result result = report_empty();
    reported = &result;
    code_points_each(check_udpload_reports);
    load_result_free(&result);
}

/* Decodes a quoted word of a shell: '...', '\'', or $'...' as in bash and zsh. */
static size_t unquote(char out[DECODED_BYTES], const char *word, size_t size)
{
    size_t length = 0;
    if (size > 2 && word[0] == '$')
        return code_points_unescape(out, word + 2, size - 3);
    for (size_t at = 0; at < size; at++) {
        if (word[at] == '\\')
            out[length++] = word[++at];
        else if (word[at] != '\'')
            out[length++] = word[at];
        else
            while (word[++at] != '\'')
                out[length++] = word[at];
    }
    return length;
}

static void check_command(const char *piece, size_t size)
{
    char word[PIECE_BYTES], decoded[DECODED_BYTES], shown[DECODED_BYTES];
    /* Up to a quote: $'\'' contains an escape that only shells have. */
    size = strcspn(piece, "'");
    memcpy(word, piece, size);
    word[size] = '\0';
    char *command = shell_quote_command(1, (char *const[]){word});
    code_points_expect_same(decoded, unquote(decoded, command, strlen(command)), word, size);
    printable_line(shown, sizeof shown, command);
    cr_assert_str_eq(shown, command, "a report would print it as %s", shown);
    free(command);
}

Test(code_points, are_unchanged_in_the_command_of_a_report)
{
    code_points_each(check_command);
}

Test(code_points, of_a_command_are_quoted_also_beside_a_quote)
{
    char *command = shell_quote_command(2, (char *const[]){"it's", "it's \x1b"});
    cr_assert_str_eq(command, "'it'\\''s' $'it\\'s \\x1b'");
    free(command);
}
