/* ctl/gateway/gateway_translation over text/json_reader, and server/gateway/gateway_requests: a
 * line of JSON, with any bytes, becomes one line of the control protocol or an error. The server
 * must find in it the verb and the reference that the JSON has, and the reference comes back
 * unchanged. Any line of an operator must be parsed or refused. */
#include "target.h"

#include "config/config.h"
#include "ctl/gateway/gateway_translation.h"
#include "server/gateway/gateway_requests.h"

#include <stdbool.h>
#include <string.h>

static struct listeners listeners = {.count = 1, .list = {{.text = "127.0.0.1:3000"}}};
static char *printed;
static size_t printed_size;

/* Asserts that what was printed is one line that begins with { and ends with }. */
static void check_printed(FILE *out)
{
    must(fclose(out) == 0);
    must(printed_size >= 4 && printed[0] == '{');
    must(memcmp(printed + printed_size - 2, "}\n", 2) == 0);
    must(memchr(printed, '\n', printed_size) == printed + printed_size - 1);
    free(printed);
}

static FILE *print(void)
{
    FILE *out = open_memstream(&printed, &printed_size);
    must(out != NULL);
    return out;
}

/* Parses a line as the server does, and checks the result. line has room for size + 1 bytes. */
static bool parse(char *line, size_t size, struct gateway_request *request)
{
    char wrong[GATEWAY_WRONG_BYTES] = "";
    line[size] = '\0';
    bool is_valid = gateway_requests_parse(request, &listeners, NULL, line, size, wrong);
    must(is_valid == (wrong[0] == '\0'));
    must(request->ref[0] != '\0' && strlen(request->ref) <= GATEWAY_REF_BYTES);
    must(!is_valid || request->kind == GATEWAY_END || request->size <= CONFIG_MESSAGE_BYTES_MAX);
    return is_valid;
}

static void check_command(const struct gateway_translation *translation)
{
    size_t size = translation->size - 1;
    struct gateway_request request;
    char *line = malloc(size + 1);
    must(line != NULL && translation->size <= GATEWAY_COMMAND_BYTES);
    must(memchr(translation->command, '\n', translation->size) == translation->command + size);
    must(memchr(translation->command, '\0', size) == NULL);
    memcpy(line, translation->command, size);
    bool is_send = memcmp(line, "send ", 5) == 0;
    must(is_send || memcmp(line, "broadcast ", 10) == 0);
    if (parse(line, size, &request))
        must(request.kind == (is_send ? GATEWAY_SEND : GATEWAY_BROADCAST));

    /* The reference, as the server repeats it. */
    char result[GATEWAY_REF_BYTES + 32];
    snprintf(result, sizeof result, "%s sent=1 failed=0", request.ref);
    FILE *out = print();
    must(gateway_translation_print_result(out, result) == NULL);
    fflush(out);
    must(translation->ref_size == 0 ||
         (memcmp(printed, "{\"ref\":", 7) == 0 &&
          memcmp(printed + 7, translation->ref, translation->ref_size) == 0));
    check_printed(out);
    free(line);
}

static void translate(const uint8_t *bytes, size_t size)
{
    static struct gateway_translation translation;
    char *json = malloc(size + !size);
    must(json != NULL);
    memcpy(json, bytes, size);
    if (gateway_translation_request(&translation, json, size)) {
        check_command(&translation);
    } else {
        FILE *out = print();
        must(translation.ref_size <= GATEWAY_JSON_REF_BYTES);
        gateway_translation_print_error(out, &translation);
        check_printed(out);
    }
    free(json);
}

static void parse_line(const uint8_t *bytes, size_t size)
{
    struct gateway_request request;
    char *line = malloc(size + 1);
    must(line != NULL);
    memcpy(line, bytes, size);
    parse(line, size, &request);
    free(line);
}

/* The results and errors of a server, with any bytes. */
static void print_answer(const uint8_t *bytes, size_t size)
{
    char *line = malloc(size + 1);
    must(line != NULL);
    for (int i = 0; i < 2; i++) {
        FILE *out = print();
        memcpy(line, bytes, size);
        line[size] = '\0';
        (i == 0 ? gateway_translation_print_result : gateway_translation_print_refusal)(out, line);
        must(fclose(out) == 0);
        free(printed);
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size;
    while (bytes < end) {
        const uint8_t *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const uint8_t *stop = newline != NULL ? newline : end;
        translate(bytes, (size_t)(stop - bytes));
        parse_line(bytes, (size_t)(stop - bytes));
        print_answer(bytes, (size_t)(stop - bytes));
        bytes = stop + (newline != NULL);
    }
    return 0;
}
