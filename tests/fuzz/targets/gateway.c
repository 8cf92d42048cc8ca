/* ctl/gateway/gateway_translation: whatever the JSON line of a request is, it becomes one line of
 * the control protocol with printable words, which the server reads with the same reference and
 * payload; or an error, with the reference if it has one. */
#include "target.h"

#include "ctl/gateway/gateway_translation.h"
#include "server/gateway/gateway_requests.h"

#include <string.h>

static struct gateway_translation translation;
static struct listeners listeners = {.count = 1};

/* The server may still refuse an address or a selector, but not the form of the line. */
static void check_command(void)
{
    struct gateway_request request;
    char wrong[GATEWAY_WRONG_BYTES];
    must(translation.size > 0 && translation.command[translation.size - 1] == '\n');
    translation.command[--translation.size] = '\0';
    for (size_t i = 0; i < translation.size; i++)
        must(translation.command[i] >= ' ' && translation.command[i] <= '~');
    if (!gateway_requests_parse(&request, &listeners, translation.command, translation.size, wrong))
        must(strstr(wrong, "cannot send to '") != NULL || strstr(wrong, "bad selector") != NULL);
    must(request.kind != GATEWAY_END);
    must(strcmp(request.ref, "-") == 0 || strlen(request.ref) == 2 * translation.ref_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char line[GATEWAY_JSON_BYTES];
    if (size > sizeof line)
        return 0;
    strcpy(listeners.list[0].text, "127.0.0.1:3000");
    if (size > 0)
        memcpy(line, bytes, size);
    if (gateway_translation_request(&translation, line, size))
        check_command();
    else
        must(translation.error[0] != '\0');
    must(translation.ref_size <= GATEWAY_JSON_REF_BYTES);
    return 0;
}
